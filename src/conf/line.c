#include "conf/line.h"

#include <stdarg.h>
#include <stdio.h>

void line_print(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;
	must(size > 0);
	va_start(ap, fmt);
	if (vsnprintf(out, size, fmt, ap) < 0)
		out[0] = '\0';
	va_end(ap);
	for (char *p = out; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7F)
			*p = '?';
}
