// SPDX-License-Identifier: Apache-2.0
// Kernels that Swift can't express at full speed: chosen at run time by instruction set, equal on every path. And what Swift doesn't import.
#ifndef HTMENGINE_CKERNELS_H
#define HTMENGINE_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Which instructions the kernels may use. Every machine has the baseline; the others exist on x86-64 only.
typedef enum {
    CK_BASELINE = 0,
    CK_AVX2 = 1,    // AVX2 and BMI2
    CK_AVX512 = 2,  // AVX-512 F, BW, VL, VPOPCNTDQ and BMI2
} ck_level;

/// The best level this processor has.
ck_level ck_best_level(void);

/// For each of `column_count` rows of `words_per_column` words: overlaps[c] = popcount(masks[c] AND input).
void ck_overlaps(ck_level level, const uint64_t *masks, const uint64_t *input, int32_t column_count,
                 int32_t words_per_column, uint16_t *overlaps);

/// The `desired` columns of largest overlap among those of at least `minimum`, ties to the higher column.
///
/// Writes their numbers in ascending order to `winners` (room for `desired`) and the number of columns without any overlap to
/// `silent_count`. Returns how many winners there are.
int32_t ck_select_winners(ck_level level, const uint16_t *overlaps, int32_t column_count, int32_t desired,
                          uint16_t minimum, uint16_t *winners, int32_t *silent_count);

/// The constants of one learning step of the spatial pooler.
typedef struct {
    float increment;   // added where the input is on
    float decrement;   // subtracted where it is off
    float connected;   // at least this is connected
    float trim;        // below this becomes 0
    float maximum;
    int32_t settled;   // after so many decrements nothing is left of any permanence
} ck_adapt_rule;

/// Adapts the permanences of a column's members (one per set bit, in bit order) to `input` and rewrites their bits of its connected mask.
void ck_adapt_column(ck_level level, float *permanences, const uint64_t *members, const uint64_t *input,
                     int32_t words, ck_adapt_rule rule, uint64_t *connected);

/// How many potential inputs are on that aren't members.
int32_t ck_count_newcomers(const uint64_t *members, const uint64_t *potential, const uint64_t *input, int32_t words);

/// What so many learning steps make of the permanences of inputs that are off all the time.
void ck_decline(ck_level level, float *values, int32_t count, int32_t decrements, ck_adapt_rule rule);

/// Makes members of the potential inputs that are on, with the permanences that `decrements` steps have left of the initial ones (one per
/// potential input). `permanences` and `newcomers` have room for all members and for the new ones.
void ck_admit(ck_level level, float *permanences, uint64_t *members, const uint64_t *potential, const uint64_t *input,
              int32_t words, const float *initial, int32_t decrements, ck_adapt_rule rule, float *newcomers);

/// Rewrites the connected mask's bits of the potential inputs that aren't members: set where the initial permanence is at least `threshold`.
///
/// Returns the lowest initial permanence of those set, infinity if none is.
float ck_connect_outsiders(ck_level level, const float *initial, const uint64_t *members, const uint64_t *potential,
                           int32_t words, float threshold, uint64_t *connected);

/// Leaves only those permanences of a column that differ in their bits from `common`, and says whose they are: the members.
///
/// Returns how many are left.
int32_t ck_expel(float *permanences, const float *common, const uint64_t *potential, int32_t words, uint64_t *members);

/// What a cell feeds: numbers of source sets (16 bits) and of segments with an extra synapse from it (32 bits), and its slots.
///
/// A list's lower 25 bits say at how many units of eight bytes it begins, the upper ones how long it may get, as a class of sizes.
typedef struct {
    uint32_t set_list, extra_list;
    uint32_t extra_count;
    uint16_t set_count;
    uint16_t slots;
} ck_cell;

/// For the cells at each of the places: set_counters[set] += 1 for the sets it feeds, and extra_counters[segment] += 1 for the segments, unless
/// that is NULL. The numbers in a list are distinct.
void ck_count(uint8_t *set_counters, uint8_t *extra_counters, const ck_cell *cells, const uint64_t *lists,
              const uint32_t *places, int32_t place_count);

/// Where the synapses of a segment come from.
typedef struct {
    uint64_t mask;         // bit per cell of its source set that it has a synapse from
    uint32_t next_of_set;  // the next segment of the same set; UINT32_MAX: none
    uint16_t set;          // its source set; 65,535: none
    uint16_t extras;       // synapses from cells outside the set
} ck_sources;

/// Cells that segments draw their synapses from, at most 64; they begin at so many units of four cells.
typedef struct {
    uint32_t start;
    uint32_t first_segment;  // UINT32_MAX: none
    uint32_t segment_count;
    uint8_t count;
    uint8_t units;
} ck_source_set;

/// A segment with enough active synapses.
typedef struct {
    uint64_t set_cells;  // bit per cell of its source set that is active
    uint32_t segment;
    uint32_t activity;   // active synapses
} ck_active_segment;

/// Of the segments of the given source sets, those with at least `threshold` active synapses; extra_counters says how many extras are.
///
/// Writes to `found` while there is room for all segments of the next set and one more, and returns how many there are; `*next` is the set to go
/// on with (`set_count` when done). `active` as for `ck_active_bits`.
int32_t ck_find_active(ck_level level, const uint32_t *sets, int32_t set_count, const ck_source_set *records,
                       const uint16_t *cells, const uint32_t *active, const ck_sources *segments,
                       const uint8_t *extra_counters, uint32_t threshold, ck_active_segment *found, int32_t capacity,
                       int32_t *next);

/// How many synapses of a segment are active and have a code of at least `first_connected`: codes of the bits of `mask`, of which those in
/// `set_cells` are active, then of the extras. There are at most 64 codes; up to 15 beyond them are read.
int32_t ck_connected_activity(ck_level level, uint64_t mask, uint64_t set_cells, const uint16_t *extras,
                              int32_t extra_count, const uint32_t *active, const uint8_t *codes, uint8_t first_connected);

/// Bit i: cells[i] is active. `count` is at most 64.
///
/// `active` has a word of 32 cells for each value of cell / 32. Reads up to 8 cells beyond `count`.
uint64_t ck_active_bits(ck_level level, const uint16_t *cells, int32_t count, const uint32_t *active);

/// Of the cells those that are active and whose rank is a bit of `wanted`: bit r for a cell of rank r; in `*lanes` bit i for cells[i].
///
/// A cell's rank is that of its column, cell / 32, in `ranks`, below 64 where it is active; `ranks` has one more than there are columns.
/// Else as `ck_active_bits`.
uint64_t ck_active_ranks(ck_level level, const uint16_t *cells, int32_t count, const uint32_t *active,
                         const uint16_t *ranks, uint64_t wanted, uint64_t *lanes);

/// The bits of a mask in new places: the one where `from` has its n-th bit goes to where `to` has its n-th; those outside `from` are
/// dropped. To the lowest places with `to` of all ones, and back with `from` of all ones.
uint64_t ck_move_bits(ck_level level, uint64_t bits, uint64_t from, uint64_t to);

/// What one code becomes when its synapse is reinforced or weakened; 255: nothing is left.
typedef struct {
    uint8_t increased[256];
    uint8_t decreased[256];
    int32_t code_count;  // codes in use are below this
} ck_code_steps;

/// Steps the codes of a segment, at most 64: up where `up` has a bit, else down.
///
/// Returns bit i where code i is then 255, and sets `*connected` to those that are at least `first_connected` (255 excluded). Reads up to
/// 15 codes beyond `size`.
uint64_t ck_step_codes(ck_level level, uint8_t *codes, int32_t size, uint64_t up, const ck_code_steps *steps,
                       uint8_t first_connected, uint64_t *connected);

/// The constants of one learning step on a segment of the plain temporal memory.
typedef struct {
    float increment;   // added to synapses from active cells
    float decrement;   // subtracted from the others
    float floor;       // below this a synapse is given up
} ck_synapse_rule;

/// Adapts a segment's permanences within 0...1. `active` has a bit for every cell: bit c mod 32 of word c / 32.
///
/// Returns whether a permanence is now below the floor.
int ck_adapt_synapses(ck_level level, float *permanences, const uint16_t *sources, int32_t count,
                      const uint32_t *active, ck_synapse_rule rule);

/// How many synapses come from an active cell and have at least the permanence `connected`.
int32_t ck_count_connected(ck_level level, const float *permanences, const uint16_t *sources, int32_t count,
                           const uint32_t *active, float connected);

/// The indices in start ..< count whose counter is at least `threshold` (1...127), ascending, at most `capacity` of them.
///
/// Returns how many were written; `*next` is where to go on (`count` when done).
int32_t ck_collect(ck_level level, const uint8_t *counters, int32_t start, int32_t count, uint8_t threshold,
                   uint32_t *indices, int32_t capacity, int32_t *next);

/// Copies codes and returns how many are at least `first_connected`; -1 if one isn't below `code_count`.
int32_t ck_take_codes(ck_level level, const uint8_t *codes, int32_t size, uint8_t first_connected, uint8_t code_count,
                      uint8_t *taken);

/// Asks for a cache line that will be read soon.
static inline void ck_prefetch(const void *address) {
    __builtin_prefetch(address);
}

/// How many bytes of a block from the C library may be used: those asked for, and what its allocator added.
size_t ck_usable_size(void *block);

/// The position of `id` in `ids`, or -1.
int32_t ck_find(const uint16_t *ids, int32_t count, uint16_t id);

#endif
