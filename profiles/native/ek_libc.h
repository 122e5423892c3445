/*
 * The few functions of the C library that the counters call, declared here: a machine with a
 * compiler from PyPI has no headers of its C library, and the process that loads a counter has the
 * library itself.
 */
#ifndef EK_LIBC_H
#define EK_LIBC_H

#include <stddef.h>
#include <stdint.h>

typedef struct ek_file ek_file; /* FILE */

void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void free(void *memory);
_Noreturn void abort(void);
_Noreturn void exit(int status);
int strncmp(const char *a, const char *b, size_t count);
ek_file *fopen(const char *path, const char *mode);
int fclose(ek_file *f);
int dprintf(int descriptor, const char *format, ...);
int fprintf(ek_file *f, const char *format, ...);
int fscanf(ek_file *f, const char *format, ...);

#endif
