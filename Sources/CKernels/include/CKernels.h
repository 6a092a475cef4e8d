// SPDX-License-Identifier: Apache-2.0
// Kernels that Swift can't express at full speed: chosen at run time by instruction set, equal on every path.
#ifndef HTMENGINE_CKERNELS_H
#define HTMENGINE_CKERNELS_H

#include <stdint.h>

/// For each of `column_count` rows of `words_per_column` words: overlaps[c] = popcount(masks[c] AND input).
void ck_overlaps(const uint64_t *masks, const uint64_t *input, int32_t column_count, int32_t words_per_column,
                 uint16_t *overlaps);

#endif
