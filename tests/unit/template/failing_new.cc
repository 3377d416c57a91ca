// operator new that says no when the test says so. Takes the place of the library's in the program.
#include "failing_new.h"

#include <cstdlib>
#include <new>

static int left = -1;

void failing_new_arm(int fail_at)
{
	left = fail_at;
}

void *operator new(std::size_t n)
{
	if (left >= 0 && left-- == 0)
		throw std::bad_alloc();
	void *p = std::malloc(n ? n : 1);
	if (!p)
		throw std::bad_alloc();
	return p;
}

void operator delete(void *p) noexcept
{
	std::free(p);
}

void operator delete(void *p, std::size_t) noexcept
{
	std::free(p);
}
