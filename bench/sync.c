/*
 * The limit of every durable write: one thread that writes a block and waits for fdatasync, again and
 * again, in one file. Prints the median in microseconds for a file that grows and for one that is
 * overwritten, which costs the file system less.
 *
 *     bench_sync DIRECTORY [BYTES [ROUNDS]]
 */
#include "base/base.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void give_up(const char *what)
{
	perror(what);
	exit(1);
}

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* From the file's beginning. */
static double median_us(int fd, const char *block, size_t n, size_t rounds, double *took)
{
	for (size_t i = 0; i < rounds; i++) {
		double began = now_us();
		if (pwrite(fd, block, n, (off_t)(i * n)) != (ssize_t)n || fdatasync(fd) < 0)
			give_up("write");
		took[i] = now_us() - began;
	}
	qsort(took, rounds, sizeof(*took), compare);
	return took[rounds / 2];
}

int main(int argc, char **argv)
{
	size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 4096;
	size_t rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : 2000;
	if (argc < 2 || bytes == 0 || rounds == 0) {
		fprintf(stderr, "usage: %s DIRECTORY [BYTES [ROUNDS]]\n", argv[0]);
		return 2;
	}
	char *block = malloc(bytes);
	double *took = calloc(rounds, sizeof(*took));
	int fd = open(argv[1], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || !block || !took)
		give_up(argv[1]);
	memset(block, 'x', bytes);
	double grown = median_us(fd, block, bytes, rounds, took);
	double overwritten = median_us(fd, block, bytes, rounds, took);
	printf("RESULT {\"grown\":%.1f,\"overwritten\":%.1f}\n", grown, overwritten);
	close(fd);
	free(took);
	free(block);
	return 0;
}
