/* The k-th operator new from now on fails, counted from 0; below zero: none. */
#pragma once

#ifdef __cplusplus
extern "C"
#endif
	void
	failing_new_arm(int fail_at);
