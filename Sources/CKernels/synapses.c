// SPDX-License-Identifier: Apache-2.0
// One segment's synapses, held as two parallel runs: source cells and permanences. For AVX2 the compiler vectorises the loops (the look-up
// of the source's bit becomes a gather); with AVX-512 masks take the lanes behind the end, which otherwise cost as much as all the others.
// Every level does the same arithmetic.
#include "kernels.h"

static inline __attribute__((always_inline)) uint32_t is_active(const uint32_t *active, uint16_t cell) {
    return active[cell >> 5] >> (cell & 31) & 1;
}

static inline __attribute__((always_inline)) int adapt_synapses(float *permanences, const uint16_t *sources,
                                                                int32_t count, const uint32_t *active,
                                                                ck_synapse_rule rule) {
    uint32_t below = 0;
    for (int32_t index = 0; index < count; index++) {
        float step = is_active(active, sources[index]) ? rule.increment : -rule.decrement;
        float permanence = permanences[index] + step;
        permanence = permanence > 1.0f ? 1.0f : permanence;
        permanence = permanence < 0.0f ? 0.0f : permanence;
        permanences[index] = permanence;
        below |= permanence < rule.floor;
    }
    return below != 0;
}

static inline __attribute__((always_inline)) int32_t count_connected(const float *permanences, const uint16_t *sources,
                                                                     int32_t count, const uint32_t *active,
                                                                     float connected) {
    uint32_t sum = 0;
    for (int32_t index = 0; index < count; index++) {
        sum += is_active(active, sources[index]) & (uint32_t)(permanences[index] >= connected);
    }
    return (int32_t)sum;
}

#if defined(__x86_64__)
CK_TARGET_AVX2
static int adapt_avx2(float *permanences, const uint16_t *sources, int32_t count, const uint32_t *active,
                      ck_synapse_rule rule) {
    return adapt_synapses(permanences, sources, count, active, rule);
}

CK_TARGET_AVX512
static inline __attribute__((always_inline)) __mmask16 live_lanes(int32_t count) {
    return (__mmask16)(count >= 16 ? 0xFFFF : (1u << count) - 1);
}

/// Of the lanes in `live` those whose source is active.
CK_TARGET_AVX512
static inline __attribute__((always_inline)) __mmask16 active_lanes(const uint16_t *sources, __mmask16 live,
                                                                    const uint32_t *active) {
    const __m512i cell = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(live, sources));
    const __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), live, _mm512_srli_epi32(cell, 5), active, 4);
    const __m512i bit = _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(cell, _mm512_set1_epi32(31)));
    return _mm512_mask_test_epi32_mask(live, words, bit);
}

CK_TARGET_AVX512
static int adapt_avx512(float *permanences, const uint16_t *sources, int32_t count, const uint32_t *active,
                        ck_synapse_rule rule) {
    const __m512 up = _mm512_set1_ps(rule.increment), down = _mm512_set1_ps(-rule.decrement);
    const __m512 one = _mm512_set1_ps(1), zero = _mm512_setzero_ps(), floor = _mm512_set1_ps(rule.floor);
    uint32_t below = 0;
    for (int32_t i = 0; i < count; i += 16) {
        const __mmask16 live = live_lanes(count - i);
        const __mmask16 on = active_lanes(sources + i, live, active);
        const __m512 old = _mm512_maskz_loadu_ps(live, permanences + i);
        __m512 permanence = _mm512_add_ps(old, _mm512_mask_blend_ps(on, down, up));
        // By comparison, since the minimum of zeros of both signs is the second one.
        permanence = _mm512_mask_mov_ps(permanence, _mm512_cmp_ps_mask(permanence, one, _CMP_GT_OQ), one);
        permanence = _mm512_mask_mov_ps(permanence, _mm512_cmp_ps_mask(permanence, zero, _CMP_LT_OQ), zero);
        _mm512_mask_storeu_ps(permanences + i, live, permanence);
        below |= _mm512_mask_cmp_ps_mask(live, permanence, floor, _CMP_LT_OQ);
    }
    return below != 0;
}

CK_TARGET_AVX2
static int32_t connected_avx2(const float *permanences, const uint16_t *sources, int32_t count, const uint32_t *active,
                              float connected) {
    return count_connected(permanences, sources, count, active, connected);
}

CK_TARGET_AVX512
static int32_t connected_avx512(const float *permanences, const uint16_t *sources, int32_t count,
                                const uint32_t *active, float connected) {
    const __m512 least = _mm512_set1_ps(connected);
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i += 16) {
        const __mmask16 live = live_lanes(count - i);
        const __mmask16 strong =
            _mm512_mask_cmp_ps_mask(live, _mm512_maskz_loadu_ps(live, permanences + i), least, _CMP_GE_OQ);
        sum += _mm_popcnt_u32(active_lanes(sources + i, strong, active));
    }
    return sum;
}
#endif

int ck_adapt_synapses(ck_level level, float *permanences, const uint16_t *sources, int32_t count,
                      const uint32_t *active, ck_synapse_rule rule) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        return adapt_avx512(permanences, sources, count, active, rule);
    }
    if (level == CK_AVX2) {
        return adapt_avx2(permanences, sources, count, active, rule);
    }
#endif
    return adapt_synapses(permanences, sources, count, active, rule);
}

int32_t ck_count_connected(ck_level level, const float *permanences, const uint16_t *sources, int32_t count,
                           const uint32_t *active, float connected) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        return connected_avx512(permanences, sources, count, active, connected);
    }
    if (level == CK_AVX2) {
        return connected_avx2(permanences, sources, count, active, connected);
    }
#endif
    return count_connected(permanences, sources, count, active, connected);
}
