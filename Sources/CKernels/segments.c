// SPDX-License-Identifier: Apache-2.0
// Counting and reinforcing the synapses of the backtracking temporal memory's segments.
#include "kernels.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

// One to four are left at the end of a list. Four are counted, those that aren't there as nothing added to the first: a branch for each would
// be mispredicted more often than not.
#define INCREMENT_LAST(COUNTERS, IDS, COUNT)                                                                              \
    COUNTERS[(IDS)[0]]++;                                                                                                 \
    COUNTERS[(IDS)[(COUNT) > 1 ? 1 : 0]] += (COUNT) > 1;                                                                  \
    COUNTERS[(IDS)[(COUNT) > 2 ? 2 : 0]] += (COUNT) > 2;                                                                  \
    COUNTERS[(IDS)[(COUNT) > 3 ? 3 : 0]] += (COUNT) > 3

static inline __attribute__((always_inline)) void count_sets(uint8_t *counters, const uint16_t *ids, uint32_t count) {
    if (count == 0) {
        return;
    }
    for (; count > 4; count -= 4, ids += 4) {
        // Four ids a load: the loop is bound by its loads and stores, so fewer of them is what counts.
        uint64_t four;
        memcpy(&four, ids, 8);
        counters[four & 0xFFFF]++;
        counters[four >> 16 & 0xFFFF]++;
        counters[four >> 32 & 0xFFFF]++;
        counters[four >> 48]++;
    }
    INCREMENT_LAST(counters, ids, count);
}

static inline __attribute__((always_inline)) void count_extras(uint8_t *counters, const uint32_t *ids, uint32_t count) {
    if (count == 0) {
        return;
    }
    for (; count > 4; count -= 4, ids += 4) {
        uint64_t two, more;
        memcpy(&two, ids, 8);
        memcpy(&more, ids + 2, 8);
        counters[two & 0xFFFFFFFF]++;
        counters[two >> 32]++;
        counters[more & 0xFFFFFFFF]++;
        counters[more >> 32]++;
    }
    INCREMENT_LAST(counters, ids, count);
}

static inline __attribute__((always_inline)) uint32_t start_of(uint32_t list) {
    return list & ((1u << 25) - 1);
}

void ck_count(uint8_t *set_counters, uint8_t *extra_counters, const ck_cell *cells, const uint64_t *lists,
              const uint32_t *places, int32_t place_count) {
    for (int32_t i = 0; i < place_count; i++) {
        // Lists are short and far apart: ask for the coming ones early.
        if (i + 4 < place_count) {
            const ck_cell *coming = cells + places[i + 4];
            __builtin_prefetch(lists + start_of(coming->set_list));
            __builtin_prefetch((const char *)(lists + start_of(coming->set_list)) + 64);
            __builtin_prefetch(lists + start_of(coming->extra_list));
        }
        const ck_cell *cell = cells + places[i];
        count_sets(set_counters, (const uint16_t *)(lists + start_of(cell->set_list)), cell->set_count);
        if (extra_counters != NULL) {
            count_extras(extra_counters, (const uint32_t *)(lists + start_of(cell->extra_list)), cell->extra_count);
        }
    }
}

static inline __attribute__((always_inline)) int32_t collect_tail(const uint8_t *counters, int32_t start, int32_t count,
                                                                  uint8_t threshold, uint32_t *indices, int32_t capacity,
                                                                  int32_t found, int32_t *next) {
    int32_t i = start;
    for (; i < count && found < capacity; i++) {
        if (counters[i] >= threshold) {
            indices[found++] = (uint32_t)i;
        }
    }
    *next = i;
    return found;
}

static int32_t collect_baseline(const uint8_t *counters, int32_t start, int32_t count, uint8_t threshold,
                                uint32_t *indices, int32_t capacity, int32_t *next) {
    const uint64_t high = 0x8080808080808080u;
    const uint64_t lift = 0x0101010101010101u * (uint64_t)(128 - threshold);
    int32_t found = 0;
    int32_t i = start;
    for (; i + 8 <= count && found + 8 <= capacity; i += 8) {
        uint64_t eight;
        memcpy(&eight, counters + i, 8);
        // A byte's top bit is set when its low seven bits reach the threshold, or when it was set to begin with.
        if ((((eight & ~high) + lift) | eight) & high) {
            for (int32_t k = i; k < i + 8; k++) {
                if (counters[k] >= threshold) {
                    indices[found++] = (uint32_t)k;
                }
            }
        }
    }
    if (i + 8 <= count) {
        *next = i;
        return found;
    }
    return collect_tail(counters, i, count, threshold, indices, capacity, found, next);
}

#if defined(__x86_64__)
CK_TARGET_AVX2
static int32_t collect_avx2(const uint8_t *counters, int32_t start, int32_t count, uint8_t threshold, uint32_t *indices,
                            int32_t capacity, int32_t *next) {
    const __m256i limit = _mm256_set1_epi8((char)threshold);
    int32_t found = 0;
    int32_t i = start;
    for (; i + 32 <= count && found + 32 <= capacity; i += 32) {
        __m256i values = _mm256_loadu_si256((const __m256i *)(counters + i));
        uint32_t mask = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(values, limit), values));
        while (mask != 0) {
            indices[found++] = (uint32_t)(i + __builtin_ctz(mask));
            mask &= mask - 1;
        }
    }
    if (i + 32 <= count) {
        *next = i;
        return found;
    }
    return collect_tail(counters, i, count, threshold, indices, capacity, found, next);
}

CK_TARGET_AVX512
static int32_t collect_avx512(const uint8_t *counters, int32_t start, int32_t count, uint8_t threshold,
                              uint32_t *indices, int32_t capacity, int32_t *next) {
    const __m512i limit = _mm512_set1_epi8((char)threshold);
    int32_t found = 0;
    int32_t i = start;
    for (; i + 64 <= count && found + 64 <= capacity; i += 64) {
        uint64_t mask = _mm512_cmpge_epu8_mask(_mm512_loadu_si512(counters + i), limit);
        while (mask != 0) {
            indices[found++] = (uint32_t)(i + __builtin_ctzll(mask));
            mask &= mask - 1;
        }
    }
    if (i + 64 <= count) {
        *next = i;
        return found;
    }
    return collect_tail(counters, i, count, threshold, indices, capacity, found, next);
}
#endif

int32_t ck_collect(ck_level level, const uint8_t *counters, int32_t start, int32_t count, uint8_t threshold,
                   uint32_t *indices, int32_t capacity, int32_t *next) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        return collect_avx512(counters, start, count, threshold, indices, capacity, next);
    }
    if (level == CK_AVX2) {
        return collect_avx2(counters, start, count, threshold, indices, capacity, next);
    }
#endif
    return collect_baseline(counters, start, count, threshold, indices, capacity, next);
}

int32_t ck_find(const uint16_t *ids, int32_t count, uint16_t id) {
    int32_t i = 0;
#if defined(__SSE2__)
    const __m128i wanted = _mm_set1_epi16((int16_t)id);
    for (; i + 8 <= count; i += 8) {
        int mask = _mm_movemask_epi8(_mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *)(ids + i)), wanted));
        if (mask != 0) {
            return i + __builtin_ctz((unsigned)mask) / 2;
        }
    }
#elif defined(__ARM_NEON)
    const uint16x8_t wanted = vdupq_n_u16(id);
    for (; i + 8 <= count; i += 8) {
        uint16x8_t equal = vceqq_u16(vld1q_u16(ids + i), wanted);
        if (vmaxvq_u16(equal) != 0) {
            break;
        }
    }
#endif
    for (; i < count; i++) {
        if (ids[i] == id) {
            return i;
        }
    }
    return -1;
}

static inline __attribute__((always_inline)) uint64_t active_bits_baseline(const uint16_t *cells, int32_t count, const uint32_t *active) {
    uint64_t bits = 0;
    for (int32_t i = 0; i < count; i++) {
        bits |= (uint64_t)(active[cells[i] >> 5] >> (cells[i] & 31) & 1) << i;
    }
    return bits;
}

static uint64_t active_ranks_baseline(const uint16_t *cells, int32_t count, const uint32_t *active, const uint16_t *ranks,
                                      uint64_t wanted, uint64_t *lanes) {
    uint64_t found = 0, bits = 0;
    for (int32_t i = 0; i < count; i++) {
        if (active[cells[i] >> 5] >> (cells[i] & 31) & 1) {
            const uint64_t bit = (uint64_t)1 << ranks[cells[i] >> 5] & wanted;
            found |= bit;
            bits |= (uint64_t)(bit != 0) << i;
        }
    }
    *lanes = bits;
    return found;
}

static inline __attribute__((always_inline)) uint64_t move_bits_baseline(uint64_t bits, uint64_t from, uint64_t to) {
    uint64_t moved = 0;
    while (from != 0 && to != 0) {
        const uint64_t source = from & (0 - from), target = to & (0 - to);
        moved |= bits & source ? target : 0;
        from ^= source;
        to ^= target;
    }
    return moved;
}

static uint64_t step_codes_baseline(uint8_t *codes, int32_t size, uint64_t up, const ck_code_steps *steps,
                                    uint8_t first_connected, uint64_t *connected) {
    uint64_t removed = 0, strong = 0;
    for (int32_t i = 0; i < size; i++) {
        const uint8_t code = up >> i & 1 ? steps->increased[codes[i]] : steps->decreased[codes[i]];
        codes[i] = code;
        removed |= (uint64_t)(code == 255) << i;
        strong |= (uint64_t)(code != 255 && code >= first_connected) << i;
    }
    *connected = strong;
    return removed;
}

static inline __attribute__((always_inline)) uint64_t codes_from_baseline(const uint8_t *codes, int32_t size, uint8_t first) {
    uint64_t lanes = 0;
    for (int32_t i = 0; i < size; i++) {
        lanes |= (uint64_t)(codes[i] >= first) << i;
    }
    return lanes;
}

#if defined(__x86_64__)
static inline __attribute__((always_inline)) uint64_t first_lanes(int32_t count) {
    return count >= 64 ? UINT64_MAX : ((uint64_t)1 << count) - 1;
}

CK_TARGET_AVX2
static inline __attribute__((always_inline)) uint64_t active_bits_avx2(const uint16_t *cells, int32_t count, const uint32_t *active) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    uint64_t bits = 0;
    for (int32_t i = 0; i < count; i += 8) {
        // Lanes behind the end may hold anything: they read the first word.
        __m256i isLive = _mm256_cmpgt_epi32(_mm256_set1_epi32(count - i), lanes);
        __m256i cell = _mm256_and_si256(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(cells + i))), isLive);
        __m256i words = _mm256_i32gather_epi32((const int *)active, _mm256_srli_epi32(cell, 5), 4);
        __m256i shift = _mm256_sub_epi32(_mm256_set1_epi32(31), _mm256_and_si256(cell, _mm256_set1_epi32(31)));
        uint32_t found = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_sllv_epi32(words, shift)));
        bits |= (uint64_t)found << i;
    }
    return bits & first_lanes(count);
}

CK_TARGET_AVX512
static inline __attribute__((always_inline)) uint64_t active_bits_avx512(const uint16_t *cells, int32_t count, const uint32_t *active) {
    const __m512i one = _mm512_set1_epi32(1);
    uint64_t bits = 0;
    for (int32_t i = 0; i < count; i += 16) {
        __mmask16 live = (__mmask16)(count - i >= 16 ? 0xFFFF : (1u << (count - i)) - 1);
        __m512i cell = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(live, cells + i));
        __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), live, _mm512_srli_epi32(cell, 5), active, 4);
        __m512i bit = _mm512_sllv_epi32(one, _mm512_and_si512(cell, _mm512_set1_epi32(31)));
        bits |= (uint64_t)_mm512_mask_test_epi32_mask(live, words, bit) << i;
    }
    return bits;
}

CK_TARGET_AVX2
static uint64_t active_ranks_avx2(const uint16_t *cells, int32_t count, const uint32_t *active, const uint16_t *ranks,
                                  uint64_t wanted, uint64_t *lanes) {
    const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i one = _mm256_set1_epi64x(1);
    const __m256i all = _mm256_set1_epi64x((long long)wanted);
    __m256i found = _mm256_setzero_si256();
    uint64_t bits = 0;
    for (int32_t i = 0; i < count; i += 8) {
        __m256i isLive = _mm256_cmpgt_epi32(_mm256_set1_epi32(count - i), places);
        __m256i cell = _mm256_and_si256(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(cells + i))), isLive);
        __m256i column = _mm256_srli_epi32(cell, 5);
        __m256i words = _mm256_i32gather_epi32((const int *)active, column, 4);
        __m256i shift = _mm256_sub_epi32(_mm256_set1_epi32(31), _mm256_and_si256(cell, _mm256_set1_epi32(31)));
        __m256i isActive = _mm256_and_si256(_mm256_srai_epi32(_mm256_sllv_epi32(words, shift), 31), isLive);
        __m256i rank = _mm256_and_si256(_mm256_i32gather_epi32((const int *)ranks, column, 2), _mm256_set1_epi32(0xFFFF));
        // What isn't active has a rank that shifts all bits out.
        rank = _mm256_or_si256(rank, _mm256_andnot_si256(isActive, _mm256_set1_epi32(64)));
        __m256i low = _mm256_sllv_epi64(one, _mm256_cvtepu32_epi64(_mm256_castsi256_si128(rank)));
        __m256i high = _mm256_sllv_epi64(one, _mm256_cvtepu32_epi64(_mm256_extracti128_si256(rank, 1)));
        low = _mm256_and_si256(low, all);
        high = _mm256_and_si256(high, all);
        found = _mm256_or_si256(found, _mm256_or_si256(low, high));
        __m256i zero = _mm256_setzero_si256();
        uint32_t none = (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(low, zero)))
                        | (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(high, zero))) << 4;
        bits |= (uint64_t)(none ^ 0xFF) << i;
    }
    *lanes = bits;
    __m128i halves = _mm_or_si128(_mm256_castsi256_si128(found), _mm256_extracti128_si256(found, 1));
    return (uint64_t)(_mm_extract_epi64(halves, 0) | _mm_extract_epi64(halves, 1));
}

CK_TARGET_AVX512
static uint64_t active_ranks_avx512(const uint16_t *cells, int32_t count, const uint32_t *active, const uint16_t *ranks,
                                    uint64_t wanted, uint64_t *lanes) {
    const __m512i one = _mm512_set1_epi64(1);
    const __m512i all = _mm512_set1_epi64((long long)wanted);
    const __m512i none = _mm512_setzero_si512();
    __m512i found = none;
    uint64_t bits = 0;
    for (int32_t i = 0; i < count; i += 16) {
        __mmask16 live = (__mmask16)(count - i >= 16 ? 0xFFFF : (1u << (count - i)) - 1);
        __m512i cell = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(live, cells + i));
        __m512i column = _mm512_srli_epi32(cell, 5);
        __m512i words = _mm512_mask_i32gather_epi32(none, live, column, active, 4);
        __m512i bit = _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(cell, _mm512_set1_epi32(31)));
        // Not only where a cell is active: so it needn't wait for the other look-up.
        __m512i rank = _mm512_mask_i32gather_epi32(none, live, column, ranks, 2);
        live = _mm512_mask_test_epi32_mask(live, words, bit);
        rank = _mm512_and_si512(rank, _mm512_set1_epi32(0xFFFF));
        __m512i low = _mm512_cvtepu32_epi64(_mm512_castsi512_si256(rank));
        __m512i high = _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(rank, 1));
        low = _mm512_and_si512(_mm512_maskz_sllv_epi64((__mmask8)live, one, low), all);
        high = _mm512_and_si512(_mm512_maskz_sllv_epi64((__mmask8)(live >> 8), one, high), all);
        found = _mm512_or_si512(found, _mm512_or_si512(low, high));
        const uint32_t wantedLanes = _mm512_test_epi64_mask(low, low) | (uint32_t)_mm512_test_epi64_mask(high, high) << 8;
        bits |= (uint64_t)wantedLanes << i;
    }
    *lanes = bits;
    return (uint64_t)_mm512_reduce_or_epi64(found);
}

CK_TARGET_AVX2
static inline __attribute__((always_inline)) uint64_t move_bits_bmi2(uint64_t bits, uint64_t from, uint64_t to) {
    return _pdep_u64(_pext_u64(bits, from), to);
}

/// table[code] for codes below 32, the table given in halves; codes behind a segment's end may be anything.
CK_TARGET_AVX2
static inline __attribute__((always_inline)) __m128i step_codes(__m128i codes, __m128i low, __m128i high) {
    __m128i isHigh = _mm_slli_epi16(codes, 3);  // bit 4 of each byte becomes its top bit
    return _mm_blendv_epi8(_mm_shuffle_epi8(low, codes), _mm_shuffle_epi8(high, codes), isHigh);
}

/// Sixteen codes at once; what lies behind the last is written back as it was.
CK_TARGET_AVX2
static uint64_t step_codes_avx2(uint8_t *codes, int32_t size, uint64_t up, const ck_code_steps *steps,
                                uint8_t first_connected, uint64_t *connected) {
    const __m128i limit = _mm_set1_epi8((char)first_connected);
    const __m128i upLow = _mm_loadu_si128((const __m128i *)steps->increased);
    const __m128i upHigh = _mm_loadu_si128((const __m128i *)(steps->increased + 16));
    const __m128i downLow = _mm_loadu_si128((const __m128i *)steps->decreased);
    const __m128i downHigh = _mm_loadu_si128((const __m128i *)(steps->decreased + 16));
    const __m128i byteOfLane = _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    const __m128i bitOfLane = _mm_set1_epi64x((long long)0x8040201008040201u);
    uint64_t removed = 0, strong = 0;
    for (int32_t i = 0; i < size; i += 16) {
        __m128i old = _mm_loadu_si128((const __m128i *)(codes + i));
        __m128i wanted = _mm_shuffle_epi8(_mm_cvtsi32_si128((int)(uint16_t)(up >> i)), byteOfLane);
        __m128i isUp = _mm_cmpeq_epi8(_mm_and_si128(wanted, bitOfLane), bitOfLane);
        __m128i stepped = _mm_blendv_epi8(step_codes(old, downLow, downHigh), step_codes(old, upLow, upHigh), isUp);
        uint64_t isGone = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(stepped, _mm_set1_epi8(-1)));
        uint64_t isStrong = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(stepped, limit), stepped));
        removed |= isGone << i;
        strong |= (isStrong & ~isGone) << i;
        if (size - i >= 16) {
            _mm_storeu_si128((__m128i *)(codes + i), stepped);
        } else {
            uint8_t sixteen[16];
            _mm_storeu_si128((__m128i *)sixteen, stepped);
            memcpy(codes + i, sixteen, (size_t)(size - i));
        }
    }
    *connected = strong & first_lanes(size);
    return removed & first_lanes(size);
}

CK_TARGET_AVX512
static uint64_t step_codes_avx512(uint8_t *codes, int32_t size, uint64_t up, const ck_code_steps *steps,
                                  uint8_t first_connected, uint64_t *connected) {
    const __m256i limit = _mm256_set1_epi8((char)first_connected);
    const __m256i upLow = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)steps->increased));
    const __m256i upHigh = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(steps->increased + 16)));
    const __m256i downLow = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)steps->decreased));
    const __m256i downHigh = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(steps->decreased + 16)));
    uint64_t removed = 0, strong = 0;
    for (int32_t i = 0; i < size; i += 32) {
        __mmask32 live = (__mmask32)(size - i >= 32 ? 0xFFFFFFFFu : (1u << (size - i)) - 1);
        __m256i old = _mm256_maskz_loadu_epi8(live, codes + i);
        __mmask32 isHigh = _mm256_movepi8_mask(_mm256_slli_epi16(old, 3));
        __m256i upper = _mm256_mask_shuffle_epi8(_mm256_shuffle_epi8(upLow, old), isHigh, upHigh, old);
        __m256i lower = _mm256_mask_shuffle_epi8(_mm256_shuffle_epi8(downLow, old), isHigh, downHigh, old);
        __m256i stepped = _mm256_mask_blend_epi8((__mmask32)(up >> i), lower, upper);
        __mmask32 isGone = _mm256_mask_cmpeq_epi8_mask(live, stepped, _mm256_set1_epi8(-1));
        __mmask32 isStrong = _mm256_mask_cmpge_epu8_mask(live, stepped, limit);
        removed |= (uint64_t)isGone << i;
        strong |= (uint64_t)(isStrong & ~isGone) << i;
        _mm256_mask_storeu_epi8(codes + i, live, stepped);
    }
    *connected = strong;
    return removed;
}

CK_TARGET_AVX2
static inline __attribute__((always_inline)) uint64_t codes_from_avx2(const uint8_t *codes, int32_t size, uint8_t first) {
    const __m128i limit = _mm_set1_epi8((char)first);
    uint64_t lanes = 0;
    for (int32_t i = 0; i < size; i += 16) {
        __m128i sixteen = _mm_loadu_si128((const __m128i *)(codes + i));
        lanes |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(sixteen, limit), sixteen)) << i;
    }
    return lanes & first_lanes(size);
}

CK_TARGET_AVX512
static inline __attribute__((always_inline)) uint64_t codes_from_avx512(const uint8_t *codes, int32_t size, uint8_t first) {
    const uint64_t live = first_lanes(size);
    return _mm512_mask_cmpge_epu8_mask(live, _mm512_maskz_loadu_epi8(live, codes), _mm512_set1_epi8((char)first));
}
#endif

/// A source set on the way through its segments.
typedef struct {
    uint64_t bits;      // its active cells
    uint32_t segment;   // the next one to look at
    uint32_t at_most;   // so many of its segments may be found
} walk;

// So many sets are walked through side by side: the segments of a set may lie apart, and each says only where the next one is.
enum { WALKS = 8 };

// The same steps on each level: what differs is how bits are found and counted.
#define DEFINE_FIND_ACTIVE(NAME, ACTIVE_BITS)                                                                             \
    static int32_t NAME(const uint32_t *sets, int32_t set_count, const ck_source_set *records, const uint16_t *cells,     \
                        const uint32_t *active, const ck_sources *segments, const uint8_t *extra_counters,                \
                        uint32_t threshold, ck_active_segment *found, int32_t capacity, int32_t *next) {                  \
        walk walks[WALKS];                                                                                                \
        int32_t walk_count = 0, count = 0, i = *next;                                                                     \
        int64_t at_most = 0;                                                                                              \
        do {                                                                                                              \
            for (; walk_count < WALKS && i < set_count; i++) {                                                            \
                const ck_source_set *set = records + sets[i];                                                             \
                if (count + at_most + set->segment_count >= capacity) {                                                   \
                    break;                                                                                                \
                }                                                                                                         \
                if (i + 2 < set_count) {                                                                                  \
                    const ck_source_set *coming = records + sets[i + 2];                                                  \
                    __builtin_prefetch(cells + 4 * (size_t)coming->start);                                                \
                    __builtin_prefetch(cells + 4 * (size_t)coming->start + 32);                                           \
                    __builtin_prefetch(segments + coming->first_segment);                                                 \
                }                                                                                                         \
                const uint64_t bits = ACTIVE_BITS(cells + 4 * (size_t)set->start, set->count, active);                    \
                walks[walk_count++] = (walk){bits, set->first_segment, set->segment_count};                               \
                at_most += set->segment_count;                                                                            \
            }                                                                                                             \
            for (int32_t k = 0; k < walk_count;) {                                                                        \
                const uint32_t segment = walks[k].segment;                                                                \
                const ck_sources *sources = segments + segment;                                                           \
                const uint32_t activity =                                                                                 \
                    (uint32_t)__builtin_popcountll(sources->mask & walks[k].bits) + extra_counters[segment];              \
                found[count].set_cells = walks[k].bits;                                                                   \
                found[count].segment = segment;                                                                           \
                found[count].activity = activity;                                                                         \
                count += activity >= threshold;                                                                           \
                walks[k].segment = sources->next_of_set;                                                                  \
                if (sources->next_of_set == UINT32_MAX) {                                                                 \
                    at_most -= walks[k].at_most;                                                                          \
                    walks[k] = walks[--walk_count];                                                                       \
                } else {                                                                                                  \
                    k++;                                                                                                  \
                }                                                                                                         \
            }                                                                                                             \
        } while (walk_count > 0);                                                                                         \
        *next = i;                                                                                                        \
        return count;                                                                                                     \
    }

#define DEFINE_CONNECTED_ACTIVITY(NAME, ACTIVE_BITS, MOVE_BITS, CODES_FROM)                                               \
    static int32_t NAME(uint64_t mask, uint64_t set_cells, const uint16_t *extras, int32_t extra_count,                   \
                        const uint32_t *active, const uint8_t *codes, uint8_t first_connected) {                          \
        const int32_t set_lanes = __builtin_popcountll(mask);                                                             \
        uint64_t lanes = MOVE_BITS(set_cells, mask, UINT64_MAX);                                                          \
        if (extra_count > 0) {                                                                                            \
            lanes |= ACTIVE_BITS(extras, extra_count, active) << set_lanes;                                               \
        }                                                                                                                 \
        return __builtin_popcountll(lanes & CODES_FROM(codes, set_lanes + extra_count, first_connected));                 \
    }

DEFINE_FIND_ACTIVE(find_active_baseline, active_bits_baseline)
DEFINE_CONNECTED_ACTIVITY(connected_activity_baseline, active_bits_baseline, move_bits_baseline, codes_from_baseline)

#if defined(__x86_64__)
CK_TARGET_AVX2 DEFINE_FIND_ACTIVE(find_active_avx2, active_bits_avx2)
CK_TARGET_AVX512 DEFINE_FIND_ACTIVE(find_active_avx512, active_bits_avx512)
CK_TARGET_AVX2 DEFINE_CONNECTED_ACTIVITY(connected_activity_avx2, active_bits_avx2, move_bits_bmi2, codes_from_avx2)
CK_TARGET_AVX512 DEFINE_CONNECTED_ACTIVITY(connected_activity_avx512, active_bits_avx512, move_bits_bmi2, codes_from_avx512)

// What is inlined above, to be called by itself.
CK_TARGET_AVX2
static uint64_t call_active_bits_avx2(const uint16_t *cells, int32_t count, const uint32_t *active) {
    return active_bits_avx2(cells, count, active);
}

CK_TARGET_AVX512
static uint64_t call_active_bits_avx512(const uint16_t *cells, int32_t count, const uint32_t *active) {
    return active_bits_avx512(cells, count, active);
}

CK_TARGET_AVX2
static uint64_t call_move_bits_bmi2(uint64_t bits, uint64_t from, uint64_t to) {
    return move_bits_bmi2(bits, from, to);
}
#endif

int32_t ck_find_active(ck_level level, const uint32_t *sets, int32_t set_count, const ck_source_set *records,
                       const uint16_t *cells, const uint32_t *active, const ck_sources *segments,
                       const uint8_t *extra_counters, uint32_t threshold, ck_active_segment *found, int32_t capacity,
                       int32_t *next) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        return find_active_avx512(sets, set_count, records, cells, active, segments, extra_counters, threshold, found,
                               capacity, next);
    }
    if (level == CK_AVX2) {
        return find_active_avx2(sets, set_count, records, cells, active, segments, extra_counters, threshold, found,
                               capacity, next);
    }
#endif
    return find_active_baseline(sets, set_count, records, cells, active, segments, extra_counters, threshold, found,
                                capacity, next);
}

int32_t ck_connected_activity(ck_level level, uint64_t mask, uint64_t set_cells, const uint16_t *extras,
                              int32_t extra_count, const uint32_t *active, const uint8_t *codes,
                              uint8_t first_connected) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        return connected_activity_avx512(mask, set_cells, extras, extra_count, active, codes, first_connected);
    }
    if (level == CK_AVX2) {
        return connected_activity_avx2(mask, set_cells, extras, extra_count, active, codes, first_connected);
    }
#endif
    return connected_activity_baseline(mask, set_cells, extras, extra_count, active, codes, first_connected);
}

uint64_t ck_active_bits(ck_level level, const uint16_t *cells, int32_t count, const uint32_t *active) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        return call_active_bits_avx512(cells, count, active);
    }
    if (level == CK_AVX2) {
        return call_active_bits_avx2(cells, count, active);
    }
#endif
    return active_bits_baseline(cells, count, active);
}

uint64_t ck_active_ranks(ck_level level, const uint16_t *cells, int32_t count, const uint32_t *active,
                         const uint16_t *ranks, uint64_t wanted, uint64_t *lanes) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        return active_ranks_avx512(cells, count, active, ranks, wanted, lanes);
    }
    if (level == CK_AVX2) {
        return active_ranks_avx2(cells, count, active, ranks, wanted, lanes);
    }
#endif
    return active_ranks_baseline(cells, count, active, ranks, wanted, lanes);
}

uint64_t ck_move_bits(ck_level level, uint64_t bits, uint64_t from, uint64_t to) {
#if defined(__x86_64__)
    if (level != CK_BASELINE) {
        return call_move_bits_bmi2(bits, from, to);
    }
#endif
    return move_bits_baseline(bits, from, to);
}

uint64_t ck_step_codes(ck_level level, uint8_t *codes, int32_t size, uint64_t up, const ck_code_steps *steps,
                       uint8_t first_connected, uint64_t *connected) {
#if defined(__x86_64__)
    // The forms with vectors have tables of 32 codes only.
    if (level == CK_AVX512 && steps->code_count <= 32) {
        return step_codes_avx512(codes, size, up, steps, first_connected, connected);
    }
    if (level != CK_BASELINE && steps->code_count <= 32) {
        return step_codes_avx2(codes, size, up, steps, first_connected, connected);
    }
#endif
    return step_codes_baseline(codes, size, up, steps, first_connected, connected);
}
