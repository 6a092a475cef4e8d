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

CK_TARGET_AVX2
static uint64_t reinforce_avx2(const uint16_t *sources, uint8_t *codes, int32_t size, const ck_pattern *pattern,
                               uint64_t update, const ck_code_steps *steps, uint8_t first_connected, int32_t *connected,
                               int32_t *removed) {
    __m256i bits = _mm256_setzero_si256();
    const __m256i wanted = _mm256_set1_epi64x((long long)update);
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
        uint32_t up = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_and_si256(named, isHit)));
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
#endif

int32_t ck_connected_activity(ck_level level, const uint16_t *sources, const uint8_t *codes, int32_t size,
                              uint8_t first_connected, const uint32_t *active) {
#if defined(__x86_64__)
    if (level != CK_BASELINE) {
        return connected_activity_avx2(sources, codes, size, first_connected, active);
    }
#endif
    return connected_activity_baseline(sources, codes, size, first_connected, active);
}

uint64_t ck_pattern_hits(ck_level level, const uint16_t *sources, int32_t size, const ck_pattern *pattern) {
#if defined(__x86_64__)
    if (level != CK_BASELINE) {
        return pattern_hits_avx2(sources, size, pattern);
    }
#endif
    return pattern_hits_baseline(sources, size, pattern);
}

uint64_t ck_reinforce(ck_level level, const uint16_t *sources, uint8_t *codes, int32_t size, const ck_pattern *pattern,
                      uint64_t update, const ck_code_steps *steps, uint8_t first_connected, int32_t *connected,
                      int32_t *removed) {
#if defined(__x86_64__)
    if (level != CK_BASELINE) {
        return reinforce_avx2(sources, codes, size, pattern, update, steps, first_connected, connected, removed);
    }
#endif
    return reinforce_baseline(sources, codes, size, pattern, update, steps, first_connected, connected, removed);
}
