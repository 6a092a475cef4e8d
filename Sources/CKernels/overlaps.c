// SPDX-License-Identifier: Apache-2.0
#include "CKernels.h"

void ck_overlaps(const uint64_t *masks, const uint64_t *input, int32_t column_count, int32_t words_per_column,
                 uint16_t *overlaps) {
    for (int32_t column = 0; column < column_count; column++) {
        const uint64_t *mask = masks + (int64_t)column * words_per_column;
        int count = 0;
        for (int32_t word = 0; word < words_per_column; word++) {
            count += __builtin_popcountll(mask[word] & input[word]);
        }
        overlaps[column] = (uint16_t)count;
    }
}
