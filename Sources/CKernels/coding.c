// SPDX-License-Identifier: Apache-2.0
// Reading what a checkpoint has hundreds of thousands of.
#include "kernels.h"

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
