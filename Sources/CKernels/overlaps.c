// SPDX-License-Identifier: Apache-2.0
#include "kernels.h"

static void overlaps_baseline(const uint64_t *masks, const uint64_t *input, int32_t column_count,
                              int32_t words_per_column, uint16_t *overlaps) {
    for (int32_t column = 0; column < column_count; column++) {
        const uint64_t *mask = masks + (int64_t)column * words_per_column;
        int count = 0;
        for (int32_t word = 0; word < words_per_column; word++) {
            count += __builtin_popcountll(mask[word] & input[word]);
        }
        overlaps[column] = (uint16_t)count;
    }
}

#if defined(__x86_64__)
CK_TARGET_AVX2
static void overlaps_avx2(const uint64_t *masks, const uint64_t *input, int32_t column_count, int32_t words_per_column,
                          uint16_t *overlaps) {
    if (words_per_column != 8) {
        for (int32_t column = 0; column < column_count; column++) {
            const uint64_t *mask = masks + (int64_t)column * words_per_column;
            int64_t count = 0;
            for (int32_t word = 0; word < words_per_column; word++) {
                count += _mm_popcnt_u64(mask[word] & input[word]);
            }
            overlaps[column] = (uint16_t)count;
        }
        return;
    }
    // Nibble counts by table look-up (Mula's method), one column of 512 bits at a time.
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2,
                                           3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(0x0F);
    const __m256i first = _mm256_loadu_si256((const __m256i *)input);
    const __m256i second = _mm256_loadu_si256((const __m256i *)(input + 4));
    for (int32_t column = 0; column < column_count; column++) {
        const __m256i *mask = (const __m256i *)(masks + (int64_t)column * 8);
        __m256i a = _mm256_and_si256(_mm256_loadu_si256(mask), first);
        __m256i b = _mm256_and_si256(_mm256_loadu_si256(mask + 1), second);
        __m256i counts = _mm256_add_epi8(
            _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(a, low)),
                            _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(a, 4), low))),
            _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(b, low)),
                            _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(b, 4), low))));
        __m256i sums = _mm256_sad_epu8(counts, _mm256_setzero_si256());
        __m128i halves = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
        overlaps[column] = (uint16_t)(_mm_extract_epi64(halves, 0) + _mm_extract_epi64(halves, 1));
    }
}

CK_TARGET_AVX512
static void overlaps_avx512(const uint64_t *masks, const uint64_t *input, int32_t column_count,
                            int32_t words_per_column, uint16_t *overlaps) {
    if (words_per_column != 8) {
        overlaps_avx2(masks, input, column_count, words_per_column, overlaps);
        return;
    }
    const __m512i on = _mm512_loadu_si512(input);
    int32_t column = 0;
    for (; column + 8 <= column_count; column += 8) {
        const uint64_t *mask = masks + (int64_t)column * 8;
        __m512i c[8];
        for (int i = 0; i < 8; i++) {
            c[i] = _mm512_popcnt_epi64(_mm512_and_si512(_mm512_loadu_si512(mask + 8 * i), on));
        }
        // Three rounds of pairwise sums turn eight vectors of eight counts into one vector of eight sums.
        __m512i d[4];
        for (int i = 0; i < 4; i++) {
            d[i] = _mm512_add_epi64(_mm512_unpacklo_epi64(c[2 * i], c[2 * i + 1]),
                                    _mm512_unpackhi_epi64(c[2 * i], c[2 * i + 1]));
        }
        __m512i e[2];
        for (int i = 0; i < 2; i++) {
            e[i] = _mm512_add_epi64(_mm512_shuffle_i64x2(d[2 * i], d[2 * i + 1], 0x88),
                                    _mm512_shuffle_i64x2(d[2 * i], d[2 * i + 1], 0xDD));
        }
        __m512i sums = _mm512_add_epi64(_mm512_shuffle_i64x2(e[0], e[1], 0x88), _mm512_shuffle_i64x2(e[0], e[1], 0xDD));
        _mm_storeu_si128((__m128i *)(overlaps + column), _mm512_cvtepi64_epi16(sums));
    }
    for (; column < column_count; column++) {
        __m512i count = _mm512_popcnt_epi64(_mm512_and_si512(_mm512_loadu_si512(masks + (int64_t)column * 8), on));
        overlaps[column] = (uint16_t)_mm512_reduce_add_epi64(count);
    }
}
#endif

void ck_overlaps(ck_level level, const uint64_t *masks, const uint64_t *input, int32_t column_count,
                 int32_t words_per_column, uint16_t *overlaps) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        overlaps_avx512(masks, input, column_count, words_per_column, overlaps);
        return;
    }
    if (level == CK_AVX2) {
        overlaps_avx2(masks, input, column_count, words_per_column, overlaps);
        return;
    }
#endif
    overlaps_baseline(masks, input, column_count, words_per_column, overlaps);
}
