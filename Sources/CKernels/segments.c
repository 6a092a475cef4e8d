// SPDX-License-Identifier: Apache-2.0
// Counting the active synapses of segments through presynaptic lists.
#include "kernels.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

static inline __attribute__((always_inline)) void increment(uint8_t *counters, const uint16_t *ids, int32_t count) {
    int32_t i = 0;
    // Four ids a load: the loop is bound by its loads and stores, so fewer of them is what counts.
    for (; i + 8 <= count; i += 8) {
        uint64_t a, b;
        memcpy(&a, ids + i, 8);
        memcpy(&b, ids + i + 4, 8);
        counters[a & 0xFFFF]++;
        counters[a >> 16 & 0xFFFF]++;
        counters[a >> 32 & 0xFFFF]++;
        counters[a >> 48]++;
        counters[b & 0xFFFF]++;
        counters[b >> 16 & 0xFFFF]++;
        counters[b >> 32 & 0xFFFF]++;
        counters[b >> 48]++;
    }
    for (; i < count; i++) {
        counters[ids[i]]++;
    }
}

void ck_count(uint8_t *counters, const ck_list *heads, const uint16_t *ids, const uint32_t *positions,
              int32_t position_count) {
    for (int32_t i = 0; i < position_count; i++) {
        // Lists are short and far apart: ask for the coming ones early.
        if (i + 3 < position_count) {
            const char *next = (const char *)(ids + 4 * (size_t)heads[positions[i + 3]].start);
            __builtin_prefetch(next);
            __builtin_prefetch(next + 64);
        }
        const ck_list *list = heads + positions[i];
        increment(counters, ids + 4 * (size_t)list->start, list->count);
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

static int32_t connected_activity_baseline(const uint16_t *sources, const uint8_t *codes, int32_t size,
                                           uint8_t first_connected, const uint32_t *active) {
    int32_t count = 0;
    for (int32_t i = 0; i < size; i++) {
        count += (int32_t)(active[sources[i] >> 5] >> (sources[i] & 31) & 1) & (codes[i] >= first_connected);
    }
    return count;
}

static inline __attribute__((always_inline)) int rank_of(const ck_pattern *pattern, uint16_t source) {
    int rank = pattern->ranks[source >> pattern->column_shift];
    return rank < pattern->count && pattern->cells[rank] == source ? rank : -1;
}

static uint64_t pattern_hits_baseline(const uint16_t *sources, int32_t size, const ck_pattern *pattern) {
    uint64_t hits = 0;
    for (int32_t i = 0; i < size; i++) {
        int rank = rank_of(pattern, sources[i]);
        hits |= rank < 0 ? 0 : (uint64_t)1 << rank;
    }
    return hits;
}

static uint64_t reinforce_baseline(const uint16_t *sources, uint8_t *codes, int32_t size, const ck_pattern *pattern,
                                   uint64_t update, const ck_code_steps *steps, uint8_t first_connected,
                                   int32_t *connected, int32_t *removed) {
    uint64_t hits = 0;
    int32_t connected_count = 0, removed_count = 0;
    for (int32_t i = 0; i < size; i++) {
        int rank = rank_of(pattern, sources[i]);
        uint64_t bit = rank < 0 ? 0 : (uint64_t)1 << rank & update;
        hits |= bit;
        uint8_t code = bit ? steps->increased[codes[i]] : steps->decreased[codes[i]];
        codes[i] = code;
        removed_count += code == 255;
        connected_count += code != 255 && code >= first_connected;
    }
    *connected = connected_count;
    *removed = removed_count;
    return hits;
}

#if defined(__x86_64__)
CK_TARGET_AVX2
static int32_t connected_activity_avx2(const uint16_t *sources, const uint8_t *codes, int32_t size,
                                       uint8_t first_connected, const uint32_t *active) {
    const __m256i limit = _mm256_set1_epi32(first_connected - 1);
    const __m256i lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    int32_t count = 0;
    for (int32_t i = 0; i < size; i += 8) {
        uint32_t live = size - i >= 8 ? 0xFF : (1u << (size - i)) - 1;
        // Lanes behind the end may hold anything: they read the first word.
        __m256i isLive = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)live), lanes), lanes);
        __m256i source = _mm256_and_si256(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(sources + i))), isLive);
        __m256i code = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(codes + i)));
        __m256i words = _mm256_i32gather_epi32((const int *)active, _mm256_srli_epi32(source, 5), 4);
        __m256i bit = _mm256_and_si256(source, _mm256_set1_epi32(31));
        __m256i shifted = _mm256_sllv_epi32(words, _mm256_sub_epi32(_mm256_set1_epi32(31), bit));
        __m256i both = _mm256_and_si256(shifted, _mm256_cmpgt_epi32(code, limit));
        count += __builtin_popcount((uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(both)) & live);
    }
    return count;
}

/// The bits of the pattern's cells among eight sources; which lanes they are in goes to `lanes`.
CK_TARGET_AVX2
static inline __attribute__((always_inline)) __m256i hits_of_eight(const uint16_t *sources, const ck_pattern *pattern,
                                                                   uint32_t live, __m256i *ranks, __m256i *isHit) {
    const __m256i low = _mm256_set1_epi32(0xFFFF);
    const __m256i lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256i source = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)sources));
    __m256i isLive = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)live), lanes), lanes);
    source = _mm256_and_si256(source, isLive);
    __m256i column = _mm256_srl_epi32(source, _mm_cvtsi32_si128(pattern->column_shift));
    __m256i rank = _mm256_and_si256(_mm256_i32gather_epi32((const int *)pattern->ranks, column, 2), low);
    __m256i isRank = _mm256_cmpgt_epi32(_mm256_set1_epi32(pattern->count), rank);
    rank = _mm256_and_si256(rank, isRank);
    __m256i cell = _mm256_and_si256(_mm256_i32gather_epi32((const int *)pattern->cells, rank, 2), low);
    *isHit = _mm256_and_si256(_mm256_and_si256(_mm256_cmpeq_epi32(cell, source), isRank), isLive);
    *ranks = rank;
    const __m256i one = _mm256_set1_epi64x(1);
    __m256i first = _mm256_sllv_epi64(one, _mm256_cvtepu32_epi64(_mm256_castsi256_si128(rank)));
    __m256i second = _mm256_sllv_epi64(one, _mm256_cvtepu32_epi64(_mm256_extracti128_si256(rank, 1)));
    first = _mm256_and_si256(first, _mm256_cvtepi32_epi64(_mm256_castsi256_si128(*isHit)));
    second = _mm256_and_si256(second, _mm256_cvtepi32_epi64(_mm256_extracti128_si256(*isHit, 1)));
    return _mm256_or_si256(first, second);
}

CK_TARGET_AVX2
static inline __attribute__((always_inline)) uint64_t or_of_lanes(__m256i bits) {
    __m128i half = _mm_or_si128(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
    return (uint64_t)_mm_extract_epi64(half, 0) | (uint64_t)_mm_extract_epi64(half, 1);
}

CK_TARGET_AVX2
static uint64_t pattern_hits_avx2(const uint16_t *sources, int32_t size, const ck_pattern *pattern) {
    __m256i bits = _mm256_setzero_si256();
    __m256i ranks, isHit;
    for (int32_t i = 0; i < size; i += 8) {
        uint32_t live = size - i >= 8 ? 0xFF : (1u << (size - i)) - 1;
        bits = _mm256_or_si256(bits, hits_of_eight(sources + i, pattern, live, &ranks, &isHit));
    }
    return or_of_lanes(bits);
}

/// table[code] for codes below 32, the table given in halves; codes behind a segment's end may be anything.
CK_TARGET_AVX2
static inline __attribute__((always_inline)) __m128i step_codes(__m128i codes, __m128i low, __m128i high) {
    __m128i isHigh = _mm_slli_epi16(codes, 3);  // bit 4 of each byte becomes its top bit
    return _mm_blendv_epi8(_mm_shuffle_epi8(low, codes), _mm_shuffle_epi8(high, codes), isHigh);
}

CK_TARGET_AVX2
static uint64_t reinforce_avx2(const uint16_t *sources, uint8_t *codes, int32_t size, const ck_pattern *pattern,
                               uint64_t update, const ck_code_steps *steps, uint8_t first_connected, int32_t *connected,
                               int32_t *removed) {
    __m256i bits = _mm256_setzero_si256();
    const __m256i wanted = _mm256_set1_epi64x((long long)update);
    const int isSmall = steps->code_count <= 32;
    const __m128i limit = _mm_set1_epi8((char)first_connected);
    const __m128i upLow = _mm_loadu_si128((const __m128i *)steps->increased);
    const __m128i upHigh = _mm_loadu_si128((const __m128i *)(steps->increased + 16));
    const __m128i downLow = _mm_loadu_si128((const __m128i *)steps->decreased);
    const __m128i downHigh = _mm_loadu_si128((const __m128i *)(steps->decreased + 16));
    int32_t connected_count = 0, removed_count = 0;
    for (int32_t i = 0; i < size; i += 8) {
        int32_t count = size - i >= 8 ? 8 : size - i;
        __m256i ranks, isHit;
        __m256i eight = hits_of_eight(sources + i, pattern, (1u << count) - 1, &ranks, &isHit);
        bits = _mm256_or_si256(bits, _mm256_and_si256(eight, wanted));
        // A hit counts only if the update names its cell: look at the update's bit of its rank, in 32-bit halves.
        __m256i low = _mm256_srlv_epi32(_mm256_set1_epi32((int)(uint32_t)update), ranks);
        __m256i high = _mm256_srlv_epi32(_mm256_set1_epi32((int)(uint32_t)(update >> 32)),
                                         _mm256_sub_epi32(ranks, _mm256_set1_epi32(32)));
        // Shifts of 32 and more (also negative ones, read unsigned) give 0, so that one half decides.
        __m256i named = _mm256_slli_epi32(_mm256_or_si256(low, high), 31);
        __m256i isUp = _mm256_and_si256(named, isHit);
        if (isSmall) {
            // Eight codes at once. Packing with saturation keeps the top bits of the lanes that go up.
            __m128i old = _mm_loadl_epi64((const __m128i *)(codes + i));
            __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(isUp), _mm256_extracti128_si256(isUp, 1));
            __m128i stepped = _mm_blendv_epi8(step_codes(old, downLow, downHigh), step_codes(old, upLow, upHigh),
                                              _mm_packs_epi16(words, words));
            uint32_t live = (1u << count) - 1;
            uint32_t gone = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(stepped, _mm_set1_epi8(-1))) & live;
            uint32_t isConnected = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(stepped, limit), stepped)) & live;
            removed_count += __builtin_popcount(gone);
            connected_count += __builtin_popcount(isConnected & ~gone);
            if (count == 8) {
                _mm_storel_epi64((__m128i *)(codes + i), stepped);
            } else {
                // What lies behind the segment belongs to another.
                uint64_t word = (uint64_t)_mm_cvtsi128_si64(stepped);
                memcpy(codes + i, &word, (size_t)count);
            }
            continue;
        }
        uint32_t up = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(isUp));
        for (int32_t k = 0; k < count; k++) {
            uint8_t code = codes[i + k];
            code = up >> k & 1 ? steps->increased[code] : steps->decreased[code];
            codes[i + k] = code;
            removed_count += code == 255;
            connected_count += code != 255 && code >= first_connected;
        }
    }
    *connected = connected_count;
    *removed = removed_count;
    return or_of_lanes(bits);
}
CK_TARGET_AVX512
static int32_t connected_activity_avx512(const uint16_t *sources, const uint8_t *codes, int32_t size,
                                         uint8_t first_connected, const uint32_t *active) {
    const __m128i limit = _mm_set1_epi8((char)first_connected);
    const __m512i one = _mm512_set1_epi32(1);
    int32_t count = 0;
    for (int32_t i = 0; i < size; i += 16) {
        __mmask16 live = (__mmask16)(size - i >= 16 ? 0xFFFF : (1u << (size - i)) - 1);
        __mmask16 isConnected = _mm_mask_cmpge_epu8_mask(live, _mm_maskz_loadu_epi8(live, codes + i), limit);
        __m512i source = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(live, sources + i));
        __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), isConnected, _mm512_srli_epi32(source, 5),
                                                    active, 4);
        __m512i bit = _mm512_sllv_epi32(one, _mm512_and_si512(source, _mm512_set1_epi32(31)));
        count += __builtin_popcount(_mm512_mask_test_epi32_mask(isConnected, words, bit));
    }
    return count;
}

/// As `hits_of_eight`, for sixteen: the bits of lanes that hit, in two halves of 64-bit lanes.
CK_TARGET_AVX512
static inline __attribute__((always_inline)) void hits_of_sixteen(const uint16_t *sources, const ck_pattern *pattern,
                                                                  __mmask16 live, __m512i *first, __m512i *second) {
    const __m512i low = _mm512_set1_epi32(0xFFFF);
    const __m512i zero = _mm512_setzero_si512();
    const __m512i one = _mm512_set1_epi64(1);
    __m512i source = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(live, sources));
    __m512i column = _mm512_srl_epi32(source, _mm_cvtsi32_si128(pattern->column_shift));
    __m512i rank = _mm512_and_si512(_mm512_mask_i32gather_epi32(zero, live, column, pattern->ranks, 2), low);
    __mmask16 isRank = _mm512_mask_cmplt_epi32_mask(live, rank, _mm512_set1_epi32(pattern->count));
    __m512i cell = _mm512_and_si512(_mm512_mask_i32gather_epi32(zero, isRank, rank, pattern->cells, 2), low);
    __mmask16 isHit = _mm512_mask_cmpeq_epi32_mask(isRank, cell, source);
    *first = _mm512_maskz_sllv_epi64((__mmask8)isHit, one, _mm512_cvtepu32_epi64(_mm512_castsi512_si256(rank)));
    *second = _mm512_maskz_sllv_epi64((__mmask8)(isHit >> 8), one,
                                      _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(rank, 1)));
}

CK_TARGET_AVX512
static uint64_t pattern_hits_avx512(const uint16_t *sources, int32_t size, const ck_pattern *pattern) {
    __m512i bits = _mm512_setzero_si512();
    for (int32_t i = 0; i < size; i += 16) {
        __mmask16 live = (__mmask16)(size - i >= 16 ? 0xFFFF : (1u << (size - i)) - 1);
        __m512i first, second;
        hits_of_sixteen(sources + i, pattern, live, &first, &second);
        bits = _mm512_or_si512(bits, _mm512_or_si512(first, second));
    }
    return (uint64_t)_mm512_reduce_or_epi64(bits);
}

CK_TARGET_AVX512
static uint64_t reinforce_avx512(const uint16_t *sources, uint8_t *codes, int32_t size, const ck_pattern *pattern,
                                 uint64_t update, const ck_code_steps *steps, uint8_t first_connected,
                                 int32_t *connected, int32_t *removed) {
    const __m512i wanted = _mm512_set1_epi64((long long)update);
    const __m128i limit = _mm_set1_epi8((char)first_connected);
    const __m128i upLow = _mm_loadu_si128((const __m128i *)steps->increased);
    const __m128i upHigh = _mm_loadu_si128((const __m128i *)(steps->increased + 16));
    const __m128i downLow = _mm_loadu_si128((const __m128i *)steps->decreased);
    const __m128i downHigh = _mm_loadu_si128((const __m128i *)(steps->decreased + 16));
    __m512i bits = _mm512_setzero_si512();
    int32_t connected_count = 0, removed_count = 0;
    for (int32_t i = 0; i < size; i += 16) {
        __mmask16 live = (__mmask16)(size - i >= 16 ? 0xFFFF : (1u << (size - i)) - 1);
        __m512i first, second;
        hits_of_sixteen(sources + i, pattern, live, &first, &second);
        // A hit counts only if the update names its cell.
        first = _mm512_and_si512(first, wanted);
        second = _mm512_and_si512(second, wanted);
        bits = _mm512_or_si512(bits, _mm512_or_si512(first, second));
        __mmask16 isUp = (__mmask16)(_mm512_test_epi64_mask(first, first) |
                                     (uint32_t)_mm512_test_epi64_mask(second, second) << 8);
        __m128i old = _mm_maskz_loadu_epi8(live, codes + i);
        __m128i stepped = _mm_mask_blend_epi8(isUp, step_codes(old, downLow, downHigh), step_codes(old, upLow, upHigh));
        __mmask16 isGone = _mm_mask_cmpeq_epi8_mask(live, stepped, _mm_set1_epi8(-1));
        __mmask16 isConnected = _mm_mask_cmpge_epu8_mask(live, stepped, limit);
        removed_count += __builtin_popcount(isGone);
        connected_count += __builtin_popcount((uint32_t)isConnected & ~(uint32_t)isGone);
        _mm_mask_storeu_epi8(codes + i, live, stepped);
    }
    *connected = connected_count;
    *removed = removed_count;
    return (uint64_t)_mm512_reduce_or_epi64(bits);
}
#endif

int32_t ck_connected_activity(ck_level level, const uint16_t *sources, const uint8_t *codes, int32_t size,
                              uint8_t first_connected, const uint32_t *active) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        return connected_activity_avx512(sources, codes, size, first_connected, active);
    }
    if (level == CK_AVX2) {
        return connected_activity_avx2(sources, codes, size, first_connected, active);
    }
#endif
    return connected_activity_baseline(sources, codes, size, first_connected, active);
}

uint64_t ck_pattern_hits(ck_level level, const uint16_t *sources, int32_t size, const ck_pattern *pattern) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        return pattern_hits_avx512(sources, size, pattern);
    }
    if (level == CK_AVX2) {
        return pattern_hits_avx2(sources, size, pattern);
    }
#endif
    return pattern_hits_baseline(sources, size, pattern);
}

uint64_t ck_reinforce(ck_level level, const uint16_t *sources, uint8_t *codes, int32_t size, const ck_pattern *pattern,
                      uint64_t update, const ck_code_steps *steps, uint8_t first_connected, int32_t *connected,
                      int32_t *removed) {
#if defined(__x86_64__)
    // The form for AVX-512 has tables of 32 codes only.
    if (level == CK_AVX512 && steps->code_count <= 32) {
        return reinforce_avx512(sources, codes, size, pattern, update, steps, first_connected, connected, removed);
    }
    if (level != CK_BASELINE) {
        return reinforce_avx2(sources, codes, size, pattern, update, steps, first_connected, connected, removed);
    }
#endif
    return reinforce_baseline(sources, codes, size, pattern, update, steps, first_connected, connected, removed);
}
