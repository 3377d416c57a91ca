#include "base/space.h"

#include <sys/mman.h>

void *space_new(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

void space_free(void *p, size_t n)
{
	if (p)
		must(munmap(p, n) == 0);
}
