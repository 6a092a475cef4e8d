// SPDX-License-Identifier: Apache-2.0
// One column's learning step. Permanences are packed: one per potential input, so that a column costs 363 floats, not 454.
#include "kernels.h"

static inline __attribute__((always_inline)) float adapted(float permanence, int on, ck_adapt_rule rule) {
    permanence = on ? permanence + rule.increment : permanence - rule.decrement;
    permanence = permanence > rule.maximum ? rule.maximum : permanence;
    return permanence < 0.0f ? 0.0f : permanence;
}

static void adapt_baseline(float *permanences, const uint64_t *potential, const uint64_t *input, int32_t words,
                           ck_adapt_rule rule, uint64_t *connected) {
    for (int32_t word = 0; word < words; word++) {
        uint64_t rest = potential[word];
        uint64_t mask = 0;
        while (rest != 0) {
            int bit = __builtin_ctzll(rest);
            rest &= rest - 1;
            float permanence = adapted(*permanences, (int)(input[word] >> bit & 1), rule);
            mask |= (uint64_t)(permanence >= rule.connected) << bit;
            *permanences++ = permanence < rule.trim ? 0.0f : permanence;
        }
        connected[word] = mask;
    }
}

#if defined(__x86_64__)
CK_TARGET_AVX2
static void adapt_avx2(float *permanences, const uint64_t *potential, const uint64_t *input, int32_t words,
                       ck_adapt_rule rule, uint64_t *connected) {
    const __m256 increment = _mm256_set1_ps(rule.increment);
    const __m256 decrement = _mm256_set1_ps(-rule.decrement);
    const __m256 threshold = _mm256_set1_ps(rule.connected);
    const __m256 trim = _mm256_set1_ps(rule.trim);
    const __m256 maximum = _mm256_set1_ps(rule.maximum);
    const __m256i lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    for (int32_t word = 0; word < words; word++) {
        uint64_t pool = potential[word];
        int count = (int)_mm_popcnt_u64(pool);
        uint64_t on = _pext_u64(input[word], pool);
        uint64_t packed = 0;
        int lane = 0;
        for (; lane + 8 <= count; lane += 8) {
            __m256i bits = _mm256_and_si256(_mm256_set1_epi32((int)(on >> lane & 0xFF)), lanes);
            __m256 isOn = _mm256_castsi256_ps(_mm256_cmpeq_epi32(bits, lanes));
            __m256 value = _mm256_add_ps(_mm256_loadu_ps(permanences), _mm256_blendv_ps(decrement, increment, isOn));
            value = _mm256_max_ps(_mm256_min_ps(value, maximum), _mm256_setzero_ps());
            packed |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(value, threshold, _CMP_GE_OQ)) << lane;
            value = _mm256_andnot_ps(_mm256_cmp_ps(value, trim, _CMP_LT_OQ), value);
            _mm256_storeu_ps(permanences, value);
            permanences += 8;
        }
        for (; lane < count; lane++) {
            float permanence = adapted(*permanences, (int)(on >> lane & 1), rule);
            packed |= (uint64_t)(permanence >= rule.connected) << lane;
            *permanences++ = permanence < rule.trim ? 0.0f : permanence;
        }
        connected[word] = _pdep_u64(packed, pool);
    }
}

CK_TARGET_AVX512
static void adapt_avx512(float *permanences, const uint64_t *potential, const uint64_t *input, int32_t words,
                         ck_adapt_rule rule, uint64_t *connected) {
    const __m512 increment = _mm512_set1_ps(rule.increment);
    const __m512 decrement = _mm512_set1_ps(-rule.decrement);
    const __m512 threshold = _mm512_set1_ps(rule.connected);
    const __m512 trim = _mm512_set1_ps(rule.trim);
    const __m512 maximum = _mm512_set1_ps(rule.maximum);
    for (int32_t word = 0; word < words; word++) {
        uint64_t pool = potential[word];
        int count = (int)_mm_popcnt_u64(pool);
        uint64_t on = _pext_u64(input[word], pool);
        uint64_t packed = 0;
        for (int lane = 0; lane < count; lane += 16) {
            __mmask16 live = count - lane >= 16 ? (__mmask16)0xFFFF : (__mmask16)((1u << (count - lane)) - 1);
            __m512 step = _mm512_mask_blend_ps((__mmask16)(on >> lane), decrement, increment);
            __m512 value = _mm512_add_ps(_mm512_maskz_loadu_ps(live, permanences + lane), step);
            value = _mm512_max_ps(_mm512_min_ps(value, maximum), _mm512_setzero_ps());
            packed |= (uint64_t)_mm512_mask_cmp_ps_mask(live, value, threshold, _CMP_GE_OQ) << lane;
            value = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(value, trim, _CMP_GE_OQ), value);
            _mm512_mask_storeu_ps(permanences + lane, live, value);
        }
        permanences += count;
        connected[word] = _pdep_u64(packed, pool);
    }
}
#endif

void ck_adapt_column(ck_level level, float *permanences, const uint64_t *potential, const uint64_t *input,
                     int32_t words, ck_adapt_rule rule, uint64_t *connected) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        adapt_avx512(permanences, potential, input, words, rule, connected);
        return;
    }
    if (level == CK_AVX2) {
        adapt_avx2(permanences, potential, input, words, rule, connected);
        return;
    }
#endif
    adapt_baseline(permanences, potential, input, words, rule, connected);
}
