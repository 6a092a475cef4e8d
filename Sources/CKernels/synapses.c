// SPDX-License-Identifier: Apache-2.0
// One segment's synapses, held as two parallel runs: source cells and permanences. The compiler vectorises the loops (the look-up
// of the source's bit becomes a gather) where the level allows it; every level does the same arithmetic.
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
static int adapt_avx512(float *permanences, const uint16_t *sources, int32_t count, const uint32_t *active,
                        ck_synapse_rule rule) {
    return adapt_synapses(permanences, sources, count, active, rule);
}

CK_TARGET_AVX2
static int32_t connected_avx2(const float *permanences, const uint16_t *sources, int32_t count, const uint32_t *active,
                              float connected) {
    return count_connected(permanences, sources, count, active, connected);
}

CK_TARGET_AVX512
static int32_t connected_avx512(const float *permanences, const uint16_t *sources, int32_t count,
                                const uint32_t *active, float connected) {
    return count_connected(permanences, sources, count, active, connected);
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
