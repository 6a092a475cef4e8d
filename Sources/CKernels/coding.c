// SPDX-License-Identifier: Apache-2.0
// Writing and reading the parts of a checkpoint that there are hundreds of thousands of. Which of one or two bytes a number takes can't
// be foreseen, so the loops don't branch on it.
#include "kernels.h"

// A permanence must come out of the same two roundings on every level: no fused multiply-add.
#pragma STDC FP_CONTRACT OFF

static inline __attribute__((always_inline)) uint8_t *put(uint8_t *at, uint64_t value) {
    while (value >= 1 << 14) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    const uint64_t high = value >> 7;
    const uint64_t is_long = high != 0;
    at[0] = (uint8_t)((value & 0x7F) | is_long << 7);
    at[1] = (uint8_t)high;
    return at + 1 + is_long;
}

/// The next number of a stream; NULL as the new position when it doesn't end within it or takes more than six bytes.
static inline __attribute__((always_inline)) const uint8_t *get(const uint8_t *at, const uint8_t *end, uint64_t *value) {
    if (__builtin_expect(end - at >= 2, 1)) {
        const uint64_t first = at[0], second = at[1];
        const uint64_t is_long = first >> 7;
        if (__builtin_expect((is_long & second >> 7) == 0, 1)) {
            *value = (first & 0x7F) | ((second << 7) & (0 - is_long));
            return at + 1 + is_long;
        }
    }
    uint64_t sum = 0;
    for (int shift = 0; shift < 42 && at < end; shift += 7) {
        const uint64_t byte = *at++;
        sum |= (byte & 0x7F) << shift;
        if (byte < 0x80) {
            *value = sum;
            return at;
        }
    }
    return NULL;
}

uint8_t *ck_encode_columns(const uint16_t *sources, int32_t size, int32_t column_shift, uint8_t *at) {
    uint32_t last = 0;
    for (int32_t i = 0; i < size; i++) {
        const uint32_t column = (uint32_t)sources[i] >> column_shift;
        at = put(at, column - last);
        last = column;
    }
    return at;
}

void ck_encode_cells(const uint16_t *sources, int32_t size, int32_t column_shift, uint8_t *cells) {
    const uint16_t mask = (uint16_t)((1u << column_shift) - 1);
    for (int32_t i = 0; i < size; i++) {
        cells[i] = (uint8_t)(sources[i] & mask);
    }
}

/// Numbers a cell of a column; sets `bad` unless it is a cell of a column and comes after the one before.
static inline __attribute__((always_inline)) uint16_t take_source(uint64_t column, uint32_t cell, int32_t column_shift,
                                                                  int64_t *previous, uint32_t *bad) {
    const int64_t source = (int64_t)(column << column_shift) | cell;
    *bad |= (cell >> column_shift) | (source <= *previous);
    *previous = source;
    return (uint16_t)source;
}

int32_t ck_decode_sources(ck_source_streams *streams, int32_t size, int32_t column_count, int32_t column_shift,
                          uint16_t *sources) {
    const uint8_t *at = streams->columns;
    const uint8_t *cells = streams->cells;
    if (streams->cells_end - cells < size) {
        return 0;
    }
    uint64_t column = 0;
    uint32_t bad = 0;
    int64_t previous = -1;
    if (streams->columns_end - at >= 2 * (int64_t)size) {
        // All are read without looking for the end: a sound number has at most two bytes.
        for (int32_t i = 0; i < size; i++) {
            const uint32_t first = at[0], second = at[1];
            const uint32_t is_long = first >> 7;
            bad |= is_long & second >> 7;
            column += (first & 0x7F) | ((second << 7) & (0 - is_long));
            at += 1 + is_long;
            sources[i] = take_source(column, cells[i], column_shift, &previous, &bad);
        }
    } else {
        for (int32_t i = 0; i < size; i++) {
            uint64_t distance;
            at = get(at, streams->columns_end, &distance);
            if (at == NULL) {
                return 0;
            }
            column += distance;
            sources[i] = take_source(column, cells[i], column_shift, &previous, &bad);
        }
    }
    streams->columns = at;
    streams->cells = cells + size;
    return bad == 0 && column < (uint64_t)column_count;
}

static int32_t take_codes_plain(const uint8_t *codes, int32_t size, uint8_t first_connected, uint8_t code_count,
                                uint8_t *taken) {
    uint32_t connected = 0, bad = 0;
    for (int32_t i = 0; i < size; i++) {
        connected += codes[i] >= first_connected;
        bad |= codes[i] >= code_count;
        taken[i] = codes[i];
    }
    return bad ? -1 : (int32_t)connected;
}

#if defined(__x86_64__)
CK_TARGET_AVX512
static int32_t take_codes_avx512(const uint8_t *codes, int32_t size, uint8_t first_connected, uint8_t code_count,
                                 uint8_t *taken) {
    const __m512i first = _mm512_set1_epi8((char)first_connected), end = _mm512_set1_epi8((char)code_count);
    int64_t connected = 0;
    uint64_t bad = 0;
    for (int32_t i = 0; i < size; i += 64) {
        const __mmask64 live = size - i >= 64 ? ~(uint64_t)0 : _bzhi_u64(~(uint64_t)0, (uint32_t)(size - i));
        const __m512i some = _mm512_maskz_loadu_epi8(live, codes + i);
        _mm512_mask_storeu_epi8(taken + i, live, some);
        connected += _mm_popcnt_u64(_mm512_mask_cmpge_epu8_mask(live, some, first));
        bad |= _mm512_mask_cmpge_epu8_mask(live, some, end);
    }
    return bad ? -1 : (int32_t)connected;
}
#endif

int32_t ck_take_codes(ck_level level, const uint8_t *codes, int32_t size, uint8_t first_connected, uint8_t code_count,
                      uint8_t *taken) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        return take_codes_avx512(codes, size, first_connected, code_count, taken);
    }
#endif
    return take_codes_plain(codes, size, first_connected, code_count, taken);
}

/// Steps of a column's permanences from their initial values, and what rounding has left, both as the compiler can vectorise it.
static inline __attribute__((always_inline)) void differences(const float *permanences, const float *initial, int32_t count,
                                                              double unit, double inverse_unit, int32_t *steps,
                                                              int64_t *residues) {
    // 1.5 · 2^52: a sum with it has the nearest integer in its lowest bits, ties to even.
    const double magic = 6755399441055744.0;
    for (int32_t i = 0; i < count; i++) {
        const double moved = ((double)permanences[i] - (double)initial[i]) * inverse_unit + magic;
        int64_t bits;
        memcpy(&bits, &moved, 8);
        const int32_t step = (int32_t)bits;
        steps[i] = step;
        const float expected = (float)((double)initial[i] + (double)step * unit);
        int32_t is, should;
        memcpy(&is, &permanences[i], 4);
        memcpy(&should, &expected, 4);
        residues[i] = (int64_t)is - (int64_t)should;
    }
}

static inline __attribute__((always_inline)) int32_t lowest_step(const float *permanences, const int32_t *steps,
                                                                 int32_t count) {
    int32_t lowest = INT32_MAX;
    for (int32_t i = 0; i < count; i++) {
        const int32_t step = permanences[i] == 0 || permanences[i] == 1 ? INT32_MAX : steps[i];
        lowest = step < lowest ? step : lowest;
    }
    return lowest == INT32_MAX ? 0 : lowest;
}

static inline __attribute__((always_inline)) void finish(float *permanences, const float *initial, int32_t count, double unit,
                                                         int32_t lowest, const int32_t *steps, const int64_t *residues,
                                                         uint32_t *bad) {
    uint32_t wrong = 0;
    for (int32_t i = 0; i < count; i++) {
        const int32_t step = steps[i];
        const float expected = (float)((double)initial[i] + (double)(lowest + step - 2) * unit);
        int32_t should;
        memcpy(&should, &expected, 4);
        const int64_t bits = (int64_t)should + residues[i];
        const uint32_t pattern = (uint32_t)bits;
        float permanence;
        memcpy(&permanence, &pattern, 4);
        permanence = step < 2 ? (float)step : permanence;
        // Also says no to what isn't a number.
        wrong |= !(permanence >= 0 && permanence <= 1) | (step >= 2 && (bits >> 32) != 0);
        permanences[i] = permanence;
    }
    *bad |= wrong;
}

#if defined(__x86_64__)
CK_TARGET_AVX2
static void differences_avx2(const float *permanences, const float *initial, int32_t count, double unit, double inverse_unit,
                             int32_t *steps, int64_t *residues) {
    differences(permanences, initial, count, unit, inverse_unit, steps, residues);
}

CK_TARGET_AVX512
static void differences_avx512(const float *permanences, const float *initial, int32_t count, double unit,
                               double inverse_unit, int32_t *steps, int64_t *residues) {
    differences(permanences, initial, count, unit, inverse_unit, steps, residues);
}

CK_TARGET_AVX2
static void finish_avx2(float *permanences, const float *initial, int32_t count, double unit, int32_t lowest,
                        const int32_t *steps, const int64_t *residues, uint32_t *bad) {
    finish(permanences, initial, count, unit, lowest, steps, residues, bad);
}

CK_TARGET_AVX512
static void finish_avx512(float *permanences, const float *initial, int32_t count, double unit, int32_t lowest,
                          const int32_t *steps, const int64_t *residues, uint32_t *bad) {
    finish(permanences, initial, count, unit, lowest, steps, residues, bad);
}
#endif

int32_t ck_encode_permanences(ck_level level, const float *permanences, const float *initial, int32_t count, double unit,
                              double inverse_unit, const ck_permanence_scratch *scratch, uint8_t **steps,
                              uint8_t **residues) {
    int32_t *const moved = scratch->steps;
    int64_t *const left = scratch->residues;
    switch (level) {
#if defined(__x86_64__)
    case CK_AVX512: differences_avx512(permanences, initial, count, unit, inverse_unit, moved, left); break;
    case CK_AVX2: differences_avx2(permanences, initial, count, unit, inverse_unit, moved, left); break;
#endif
    default: differences(permanences, initial, count, unit, inverse_unit, moved, left); break;
    }
    const int32_t lowest = lowest_step(permanences, moved, count);
    uint8_t *to_steps = *steps, *to_residues = *residues;
    to_steps = put(to_steps, (uint64_t)(((int64_t)lowest << 1) ^ ((int64_t)lowest >> 63)));
    for (int32_t i = 0; i < count; i++) {
        const float permanence = permanences[i];
        if (permanence == 0 || permanence == 1) {
            *to_steps++ = permanence == 1;
        } else {
            to_steps = put(to_steps, (uint64_t)((int64_t)moved[i] - lowest + 2));
            to_residues = put(to_residues, (uint64_t)((left[i] << 1) ^ (left[i] >> 63)));
        }
    }
    *steps = to_steps;
    *residues = to_residues;
    return lowest;
}

int32_t ck_decode_permanences(ck_level level, float *permanences, const float *initial, int32_t count, double unit,
                              const ck_permanence_scratch *scratch, ck_permanence_streams *streams) {
    int32_t *const moved = scratch->steps;
    int64_t *const left = scratch->residues;
    const uint8_t *steps = streams->steps, *residues = streams->residues;
    uint64_t value;
    steps = get(steps, streams->steps_end, &value);
    if (steps == NULL || value > 1 << 25) {
        return 0;
    }
    const int32_t lowest = (int32_t)(value >> 1) ^ -(int32_t)(value & 1);
    for (int32_t i = 0; i < count; i++) {
        steps = get(steps, streams->steps_end, &value);
        if (steps == NULL || value > 1 << 24) {
            return 0;
        }
        moved[i] = (int32_t)value;
        left[i] = 0;
        if (value >= 2) {
            residues = get(residues, streams->residues_end, &value);
            if (residues == NULL) {
                return 0;
            }
            left[i] = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
        }
    }
    streams->steps = steps;
    streams->residues = residues;
    uint32_t bad = 0;
    switch (level) {
#if defined(__x86_64__)
    case CK_AVX512: finish_avx512(permanences, initial, count, unit, lowest, moved, left, &bad); break;
    case CK_AVX2: finish_avx2(permanences, initial, count, unit, lowest, moved, left, &bad); break;
#endif
    default: finish(permanences, initial, count, unit, lowest, moved, left, &bad); break;
    }
    return bad == 0;
}
