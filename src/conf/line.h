/*
 * One line for a person who has to mend a setting or a file. Whatever foreign text is in it, it
 * stays one line: control characters become question marks.
 */
#pragma once

#include "base/base.h"

void line_print(char *out, size_t size, const char *fmt, ...) PRINTF(3, 4);
