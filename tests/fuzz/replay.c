/*
 * Runs a fuzz target once over the files and directories it is given, without a fuzzer: what the
 * fuzzer found before stays found. Takes the place of libFuzzer's main().
 */
#include "base/base.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 4 * 1024 * 1024 };

static unsigned n_inputs;

static int replay(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_F)
		return 0;
	must(st->st_size <= INPUT_MAX);
	/* Exactly as large as the input, so that a sanitizer sees a read beyond it. */
	size_t size = (size_t)st->st_size;
	uint8_t *data = malloc(size ? size : 1);
	FILE *f = fopen(path, "rb");
	must(data && f && fread(data, 1, size, f) == size);
	fclose(f);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	n_inputs++;
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		must(nftw(argv[i], replay, 8, FTW_PHYS) == 0);
	printf("%u inputs replayed\n", n_inputs);
	return n_inputs == 0;
}
