/* The provisioning file: any bytes are taken whole, or refused with one line. */
#include "conf/provision_file.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_MAX = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64], error[512] = "";
	struct arena a;
	struct provision declared;
	int fd = memfd_create("provision.yaml", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	arena_init(&a, MEMORY_MAX, NULL);
	int r = provision_file_read(path, &a, &declared, error, sizeof(error));
	must((r == PROVISION_FILE_WRONG) == (error[0] != '\0') || r < 0);
	must(!strchr(error, '\n'));
	arena_fini(&a);
	close(fd);
	return 0;
}
