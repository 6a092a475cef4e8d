// SPDX-License-Identifier: Apache-2.0
// The k largest of many small numbers: find the cut by halving the interval of values, then collect in column order.
#include "kernels.h"

static inline __attribute__((always_inline)) int32_t count_at_least(const uint16_t *overlaps, int32_t count, uint16_t least) {
    // Sixteen-bit partial sums let the compiler use whole vectors; blocks keep them from overflowing.
    int32_t total = 0;
    for (int32_t start = 0; start < count; start += 32768) {
        int32_t end = count - start < 32768 ? count : start + 32768;
        uint16_t part = 0;
        for (int32_t i = start; i < end; i++) {
            part += overlaps[i] >= least;
        }
        total += part;
    }
    return total;
}

static inline __attribute__((always_inline)) uint16_t largest(const uint16_t *overlaps, int32_t count) {
    uint16_t value = 0;
    for (int32_t i = 0; i < count; i++) {
        value = overlaps[i] > value ? overlaps[i] : value;
    }
    return value;
}

/// The largest cut that at least `desired` columns reach, or `minimum` when fewer do; how many exceed it goes to `above`.
static inline __attribute__((always_inline)) uint16_t find_cut(const uint16_t *overlaps, int32_t count, int32_t desired,
                                                               uint16_t minimum, int32_t *above) {
    uint16_t low = minimum;
    uint16_t high = largest(overlaps, count);
    // Invariant: count_at_least(low) >= desired, or low == minimum; count_at_least(high + 1) < desired.
    while (low < high) {
        uint16_t middle = (uint16_t)(low + (high - low + 1) / 2);
        if (count_at_least(overlaps, count, middle) >= desired) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    *above = low == UINT16_MAX ? 0 : count_at_least(overlaps, count, (uint16_t)(low + 1));
    return low;
}

/// Winners in order once the cut is known: all above it, and of those at it the `ties` highest columns.
static inline __attribute__((always_inline)) int32_t collect(const uint16_t *overlaps, int32_t count, uint16_t cut,
                                                             int32_t ties, uint16_t *winners, int32_t room) {
    int32_t position = room;
    for (int32_t column = count - 1; column >= 0; column--) {
        uint16_t overlap = overlaps[column];
        if (overlap < cut) {
            continue;
        }
        if (overlap == cut) {
            if (ties == 0) {
                continue;
            }
            ties--;
        }
        winners[--position] = (uint16_t)column;
    }
    int32_t found = room - position;
    memmove(winners, winners + position, (size_t)found * sizeof(uint16_t));
    return found;
}

#define SELECT_BODY                                                                                              \
    *silent_count = column_count - count_at_least(overlaps, column_count, 1);                                    \
    if (desired <= 0) {                                                                                          \
        return 0;                                                                                                \
    }                                                                                                            \
    int32_t above = 0;                                                                                           \
    uint16_t cut = find_cut(overlaps, column_count, desired, minimum, &above);                                   \
    return COLLECT(overlaps, column_count, cut, desired - above, winners, desired)

#define COLLECT collect
static int32_t select_baseline(const uint16_t *overlaps, int32_t column_count, int32_t desired, uint16_t minimum,
                               uint16_t *winners, int32_t *silent_count) {
    SELECT_BODY;
}

#if defined(__x86_64__)
CK_TARGET_AVX2
static int32_t select_avx2(const uint16_t *overlaps, int32_t column_count, int32_t desired, uint16_t minimum,
                           uint16_t *winners, int32_t *silent_count) {
    SELECT_BODY;
}
#undef COLLECT

CK_TARGET_AVX512
static inline int32_t collect_avx512(const uint16_t *overlaps, int32_t count, uint16_t cut, int32_t ties,
                                     uint16_t *winners, int32_t room) {
    if (count % 32 != 0) {
        return collect(overlaps, count, cut, ties, winners, room);
    }
    const __m512i limit = _mm512_set1_epi16((int16_t)cut);
    int32_t position = room;
    for (int32_t start = count - 32; start >= 0; start -= 32) {
        __m512i values = _mm512_loadu_si512(overlaps + start);
        uint32_t at_least = _mm512_cmpge_epu16_mask(values, limit);
        if (at_least == 0) {
            continue;
        }
        uint32_t equal = _mm512_cmpeq_epu16_mask(values, limit);
        while (at_least != 0) {
            int bit = 31 - __builtin_clz(at_least);
            at_least ^= 1u << bit;
            if (equal >> bit & 1) {
                if (ties == 0) {
                    continue;
                }
                ties--;
            }
            winners[--position] = (uint16_t)(start + bit);
        }
    }
    int32_t found = room - position;
    memmove(winners, winners + position, (size_t)found * sizeof(uint16_t));
    return found;
}

#define COLLECT collect_avx512
CK_TARGET_AVX512
static int32_t select_avx512(const uint16_t *overlaps, int32_t column_count, int32_t desired, uint16_t minimum,
                             uint16_t *winners, int32_t *silent_count) {
    SELECT_BODY;
}
#endif

int32_t ck_select_winners(ck_level level, const uint16_t *overlaps, int32_t column_count, int32_t desired,
                          uint16_t minimum, uint16_t *winners, int32_t *silent_count) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        return select_avx512(overlaps, column_count, desired, minimum, winners, silent_count);
    }
    if (level == CK_AVX2) {
        return select_avx2(overlaps, column_count, desired, minimum, winners, silent_count);
    }
#endif
    return select_baseline(overlaps, column_count, desired, minimum, winners, silent_count);
}
