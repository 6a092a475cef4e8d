// SPDX-License-Identifier: Apache-2.0
// One column's learning step. Permanences are packed: one per member, and members are only the inputs that were ever on when the column won.
// All other potential inputs have lost the same number of decrements, which a column counts once for all of them.
#include "kernels.h"

static inline __attribute__((always_inline)) float adapted(float permanence, int on, ck_adapt_rule rule) {
    permanence = on ? permanence + rule.increment : permanence - rule.decrement;
    permanence = permanence > rule.maximum ? rule.maximum : permanence;
    return permanence < 0.0f ? 0.0f : permanence;
}

static void adapt_baseline(float *permanences, const uint64_t *members, const uint64_t *input, int32_t words,
                           ck_adapt_rule rule, uint64_t *connected) {
    for (int32_t word = 0; word < words; word++) {
        uint64_t rest = members[word];
        uint64_t mask = 0;
        while (rest != 0) {
            int bit = __builtin_ctzll(rest);
            rest &= rest - 1;
            float permanence = adapted(*permanences, (int)(input[word] >> bit & 1), rule);
            mask |= (uint64_t)(permanence >= rule.connected) << bit;
            *permanences++ = permanence < rule.trim ? 0.0f : permanence;
        }
        connected[word] = (connected[word] & ~members[word]) | mask;
    }
}

#if defined(__x86_64__)
/// The most words that hold one bit per member: a column has at most 65,535.
enum { MOST_WORDS = 1024 };

/// The members' input bits without gaps; returns how many there are. The last word is followed by one that may be read.
CK_TARGET_AVX2
static inline __attribute__((always_inline)) int32_t pack_input(const uint64_t *members, const uint64_t *input,
                                                                int32_t words, uint64_t *packed) {
    uint64_t bits = 0;
    int32_t count = 0;
    for (int32_t word = 0; word < words; word++) {
        const uint64_t on = _pext_u64(input[word], members[word]);
        const int32_t size = (int32_t)_mm_popcnt_u64(members[word]);
        const int32_t used = count & 63;
        bits |= on << used;
        if (used + size >= 64) {
            *packed++ = bits;
            bits = used == 0 ? 0 : on >> (64 - used);
        }
        count += size;
    }
    packed[0] = bits;
    packed[1] = 0;
    return count;
}

/// The reverse: spreads one bit per member over the members' places.
CK_TARGET_AVX2
static inline __attribute__((always_inline)) void unpack_connected(const uint64_t *packed, const uint64_t *members,
                                                                   int32_t words, uint64_t *connected) {
    int32_t start = 0;
    for (int32_t word = 0; word < words; word++) {
        const int32_t used = start & 63;
        // Shifted in two steps: by 64 is undefined.
        const uint64_t bits = packed[start >> 6] >> used | packed[(start >> 6) + 1] << 1 << (63 - used);
        connected[word] = (connected[word] & ~members[word]) | _pdep_u64(bits, members[word]);
        start += (int32_t)_mm_popcnt_u64(members[word]);
    }
}

CK_TARGET_AVX2
static void adapt_avx2(float *permanences, const uint64_t *members, const uint64_t *input, int32_t words,
                       ck_adapt_rule rule, uint64_t *connected) {
    const __m256 increment = _mm256_set1_ps(rule.increment);
    const __m256 decrement = _mm256_set1_ps(-rule.decrement);
    const __m256 threshold = _mm256_set1_ps(rule.connected);
    const __m256 trim = _mm256_set1_ps(rule.trim);
    const __m256 maximum = _mm256_set1_ps(rule.maximum);
    const __m256i lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    uint64_t packed[MOST_WORDS + 2];
    const int32_t count = pack_input(members, input, words, packed);
    // Each chunk's input bits are read before its connections take their place.
    uint8_t *chunks = (uint8_t *)packed;
    int32_t lane = 0;
    for (; lane + 8 <= count; lane += 8, chunks++) {
        __m256i bits = _mm256_and_si256(_mm256_set1_epi32(*chunks), lanes);
        __m256 isOn = _mm256_castsi256_ps(_mm256_cmpeq_epi32(bits, lanes));
        __m256 value =
            _mm256_add_ps(_mm256_loadu_ps(permanences + lane), _mm256_blendv_ps(decrement, increment, isOn));
        value = _mm256_max_ps(_mm256_min_ps(value, maximum), _mm256_setzero_ps());
        *chunks = (uint8_t)_mm256_movemask_ps(_mm256_cmp_ps(value, threshold, _CMP_GE_OQ));
        value = _mm256_andnot_ps(_mm256_cmp_ps(value, trim, _CMP_LT_OQ), value);
        _mm256_storeu_ps(permanences + lane, value);
    }
    unsigned last = 0;
    for (int bit = 0; lane < count; lane++, bit++) {
        float permanence = adapted(permanences[lane], *chunks >> bit & 1, rule);
        last |= (unsigned)(permanence >= rule.connected) << bit;
        permanences[lane] = permanence < rule.trim ? 0.0f : permanence;
    }
    *chunks = (uint8_t)last;
    unpack_connected(packed, members, words, connected);
}

CK_TARGET_AVX512
static void adapt_avx512(float *permanences, const uint64_t *members, const uint64_t *input, int32_t words,
                         ck_adapt_rule rule, uint64_t *connected) {
    const __m512 increment = _mm512_set1_ps(rule.increment);
    const __m512 decrement = _mm512_set1_ps(-rule.decrement);
    const __m512 threshold = _mm512_set1_ps(rule.connected);
    const __m512 trim = _mm512_set1_ps(rule.trim);
    const __m512 maximum = _mm512_set1_ps(rule.maximum);
    uint64_t packed[MOST_WORDS + 2];
    const int32_t count = pack_input(members, input, words, packed);
    uint8_t *chunks = (uint8_t *)packed;
    for (int32_t lane = 0; lane < count; lane += 16, chunks += 2) {
        __mmask16 live = count - lane >= 16 ? (__mmask16)0xFFFF : (__mmask16)((1u << (count - lane)) - 1);
        uint16_t on;
        memcpy(&on, chunks, 2);
        __m512 value = _mm512_add_ps(_mm512_maskz_loadu_ps(live, permanences + lane),
                                     _mm512_mask_blend_ps((__mmask16)on, decrement, increment));
        value = _mm512_max_ps(_mm512_min_ps(value, maximum), _mm512_setzero_ps());
        const uint16_t reached = _mm512_mask_cmp_ps_mask(live, value, threshold, _CMP_GE_OQ);
        memcpy(chunks, &reached, 2);
        value = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(value, trim, _CMP_GE_OQ), value);
        _mm512_mask_storeu_ps(permanences + lane, live, value);
    }
    unpack_connected(packed, members, words, connected);
}
#endif

void ck_adapt_column(ck_level level, float *permanences, const uint64_t *members, const uint64_t *input,
                     int32_t words, ck_adapt_rule rule, uint64_t *connected) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        adapt_avx512(permanences, members, input, words, rule, connected);
        return;
    }
    if (level == CK_AVX2) {
        adapt_avx2(permanences, members, input, words, rule, connected);
        return;
    }
#endif
    adapt_baseline(permanences, members, input, words, rule, connected);
}

int32_t ck_count_newcomers(const uint64_t *members, const uint64_t *potential, const uint64_t *input, int32_t words) {
    uint64_t any = 0;
    for (int32_t word = 0; word < words; word++) {
        any |= potential[word] & input[word] & ~members[word];
    }
    int32_t count = 0;
    if (any != 0) {
        for (int32_t word = 0; word < words; word++) {
            count += __builtin_popcountll(potential[word] & input[word] & ~members[word]);
        }
    }
    return count;
}

/// Decrements `width` values, a constant, at once: each is a chain of roundings, so only many together are fast.
static inline __attribute__((always_inline)) void decline_block(float *values, int32_t count, int width,
                                                                int32_t decrements, ck_adapt_rule rule) {
    float block[64];
    for (int i = 0; i < width; i++) {
        block[i] = i < count ? values[i] : 0.0f;
    }
    for (int32_t step = 0; step < decrements; step++) {
        for (int i = 0; i < width; i++) {
            block[i] -= rule.decrement;
        }
    }
    for (int i = 0; i < width && i < count; i++) {
        // What is trimmed in one step stays 0 in the next ones, and what isn't trimmed now wasn't before: once at the end is enough.
        values[i] = block[i] < rule.trim || block[i] < 0.0f ? 0.0f : block[i];
    }
}

static inline __attribute__((always_inline)) void decline(float *values, int32_t count, int32_t decrements,
                                                          ck_adapt_rule rule) {
    for (; count > 16; count -= 64, values += 64) {
        decline_block(values, count, 64, decrements, rule);
    }
    if (count > 0) {
        decline_block(values, count, 16, decrements, rule);
    }
}

#if defined(__x86_64__)
CK_TARGET_AVX2
static void decline_avx2(float *values, int32_t count, int32_t decrements, ck_adapt_rule rule) {
    decline(values, count, decrements, rule);
}

CK_TARGET_AVX512
static void decline_avx512(float *values, int32_t count, int32_t decrements, ck_adapt_rule rule) {
    decline(values, count, decrements, rule);
}
#endif

void ck_decline(ck_level level, float *values, int32_t count, int32_t decrements, ck_adapt_rule rule) {
    if (decrements >= rule.settled) {
        memset(values, 0, (size_t)count * sizeof *values);
        return;
    }
    switch (level) {
#if defined(__x86_64__)
    case CK_AVX512: decline_avx512(values, count, decrements, rule); break;
    case CK_AVX2: decline_avx2(values, count, decrements, rule); break;
#endif
    default: decline(values, count, decrements, rule); break;
    }
}

void ck_admit(ck_level level, float *permanences, uint64_t *members, const uint64_t *potential, const uint64_t *input,
              int32_t words, const float *initial, int32_t decrements, ck_adapt_rule rule, float *newcomers) {
    int32_t member_count = 0, newcomer_count = 0;
    for (int32_t word = 0; word < words; word++) {
        const uint64_t pool = potential[word];
        uint64_t rest = pool & input[word] & ~members[word];
        while (rest != 0) {
            newcomers[newcomer_count++] = initial[__builtin_popcountll(pool & ((rest & -rest) - 1))];
            rest &= rest - 1;
        }
        initial += __builtin_popcountll(pool);
        member_count += __builtin_popcountll(members[word]);
    }
    ck_decline(level, newcomers, newcomer_count, decrements, rule);
    // From the end, so that no member is overwritten before it has moved; what comes before the first newcomer stays where it is.
    for (int32_t word = words - 1; newcomer_count > 0; word--) {
        const uint64_t fresh = potential[word] & input[word] & ~members[word];
        uint64_t rest = members[word] | fresh;
        members[word] = rest;
        while (rest != 0) {
            const uint64_t bit = 1ull << (63 - __builtin_clzll(rest));
            rest ^= bit;
            const int32_t place = member_count + newcomer_count - 1;
            permanences[place] = fresh & bit ? newcomers[--newcomer_count] : permanences[--member_count];
        }
    }
}

static float outsiders_baseline(const float *initial, const uint64_t *members, const uint64_t *potential,
                                int32_t words, float threshold, uint64_t *connected) {
    float lowest = INFINITY;
    for (int32_t word = 0; word < words; word++) {
        uint64_t rest = potential[word];
        uint64_t mask = connected[word] & members[word];
        while (rest != 0) {
            const uint64_t bit = rest & -rest;
            rest ^= bit;
            const float permanence = *initial++;
            if (permanence >= threshold && (members[word] & bit) == 0) {
                mask |= bit;
                lowest = permanence < lowest ? permanence : lowest;
            }
        }
        connected[word] = mask;
    }
    return lowest;
}

#if defined(__x86_64__)
CK_TARGET_AVX2
static float outsiders_avx2(const float *initial, const uint64_t *members, const uint64_t *potential, int32_t words,
                            float threshold, uint64_t *connected) {
    const __m256 least = _mm256_set1_ps(threshold);
    const __m256 infinity = _mm256_set1_ps(INFINITY);
    const __m256i lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256 lowest = infinity;
    float rest = INFINITY;
    for (int32_t word = 0; word < words; word++) {
        const int count = (int)_mm_popcnt_u64(potential[word]);
        const uint64_t outside = _pext_u64(~members[word], potential[word]);
        uint64_t packed = 0;
        int lane = 0;
        for (; lane + 8 <= count; lane += 8) {
            const __m256i bits = _mm256_and_si256(_mm256_set1_epi32((int)(outside >> lane & 0xFF)), lanes);
            const __m256 value = _mm256_loadu_ps(initial + lane);
            const __m256 reached = _mm256_and_ps(_mm256_cmp_ps(value, least, _CMP_GE_OQ),
                                                 _mm256_castsi256_ps(_mm256_cmpeq_epi32(bits, lanes)));
            lowest = _mm256_min_ps(lowest, _mm256_blendv_ps(infinity, value, reached));
            packed |= (uint64_t)(uint32_t)_mm256_movemask_ps(reached) << lane;
        }
        for (; lane < count; lane++) {
            if (initial[lane] >= threshold && (outside >> lane & 1)) {
                packed |= 1ull << lane;
                rest = initial[lane] < rest ? initial[lane] : rest;
            }
        }
        initial += count;
        connected[word] = (connected[word] & members[word]) | _pdep_u64(packed, potential[word]);
    }
    float each[8];
    _mm256_storeu_ps(each, lowest);
    for (int i = 0; i < 8; i++) {
        rest = each[i] < rest ? each[i] : rest;
    }
    return rest;
}

CK_TARGET_AVX512
static float outsiders_avx512(const float *initial, const uint64_t *members, const uint64_t *potential, int32_t words,
                              float threshold, uint64_t *connected) {
    const __m512 least = _mm512_set1_ps(threshold);
    __m512 lowest = _mm512_set1_ps(INFINITY);
    for (int32_t word = 0; word < words; word++) {
        const int count = (int)_mm_popcnt_u64(potential[word]);
        const uint64_t outside = _pext_u64(~members[word], potential[word]);
        uint64_t packed = 0;
        // `outside` has no bits from `count` on: no other lane is read or counts.
        for (int lane = 0; lane < count; lane += 16) {
            const __mmask16 live = (__mmask16)(outside >> lane);
            const __m512 value = _mm512_maskz_loadu_ps(live, initial + lane);
            const __mmask16 reached = _mm512_mask_cmp_ps_mask(live, value, least, _CMP_GE_OQ);
            lowest = _mm512_mask_min_ps(lowest, reached, lowest, value);
            packed |= (uint64_t)reached << lane;
        }
        initial += count;
        connected[word] = (connected[word] & members[word]) | _pdep_u64(packed, potential[word]);
    }
    return _mm512_reduce_min_ps(lowest);
}
#endif

float ck_connect_outsiders(ck_level level, const float *initial, const uint64_t *members, const uint64_t *potential,
                           int32_t words, float threshold, uint64_t *connected) {
#if defined(__x86_64__)
    if (level == CK_AVX512) {
        return outsiders_avx512(initial, members, potential, words, threshold, connected);
    }
    if (level == CK_AVX2) {
        return outsiders_avx2(initial, members, potential, words, threshold, connected);
    }
#endif
    return outsiders_baseline(initial, members, potential, words, threshold, connected);
}

int32_t ck_expel(float *permanences, const float *common, const uint64_t *potential, int32_t words, uint64_t *members) {
    int32_t count = 0;
    const float *permanence = permanences;
    for (int32_t word = 0; word < words; word++) {
        uint64_t mask = 0;
        for (uint64_t rest = potential[word]; rest != 0; rest &= rest - 1) {
            const uint64_t differs = memcmp(permanence, common++, sizeof *permanence) != 0;
            permanences[count] = *permanence++;
            count += (int32_t)differs;
            mask |= (rest & -rest) & (0 - differs);
        }
        members[word] = mask;
    }
    return count;
}
