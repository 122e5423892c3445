/* Four columns of the right matrix of a product, expanded for dual multiplications: what products of two
 * int8 matrices compute with. The portable kernel is ek_matmul_panel_s8.c. */
#ifndef EK_MATMUL_PANEL_H
#define EK_MATMUL_PANEL_H

#include "ek_pairs.h"

#define EK_PANEL 4 /* columns */

/* Assembly reads these words in this order. */
typedef struct {
    int32_t start[EK_PANEL]; /* what the sums of the columns start with */
    /* For four rows of the right matrix eight words: its elements, less their zero point, of rows 0 and
     * 2 of each column, then of rows 1 and 3. */
    const int32_t *panel;
    int32_t bytes; /* of a left row in whole groups of four */
    int32_t back;  /* elements that one more group repeats, times zero; 0: there is none */
    int32_t rows, columns;
    int32_t entry; /* for the assembly: where a sum begins */
    int32_t constants[2];
    int32_t add, subtract, zero;
    int32_t tail, shift; /* how sums are scaled, see ek_pairs.h */
} ek_matmul_panel;

/* How four columns are expanded: assembly reads these words in this order. */
typedef struct {
    int32_t groups;  /* of four whole rows */
    int32_t columns; /* of the right matrix */
    int32_t zero;    /* minus its zero point in both halfwords */
} ek_panel_source;

/* Expands whole groups and writes the sums of the columns, less the zero point. */
typedef void (*ek_panel_kernel)(const ek_panel_source *s, const int8_t *b, int32_t *panel,
                                int32_t *sums);

/* a: the left matrix. y: the first of the four columns of its first row. */
typedef void (*ek_matmul_kernel)(const ek_matmul_panel *p, const int8_t *a, int8_t *y);

#endif
