# occurd_sql(TARGET FILE.sql ...): each file becomes FILE.sql.inc, a C string literal to #include.
#
# SQLite has no functions for UUIDs or our times, and a view must work in any SQLite tool, so
# UUID(column) and TIME(column) in the files stand for the expressions below.
function(occurd_sql target)
	foreach(source ${ARGN})
		set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
		file(READ ${source} sql)
		string(REGEX REPLACE "UUID\\(([a-z._]+)\\)"
			"lower(substr(hex(\\1), 1, 8) || '-' || substr(hex(\\1), 9, 4) || '-' || substr(hex(\\1), 13, 4) || '-' || substr(hex(\\1), 17, 4) || '-' || substr(hex(\\1), 21))"
			sql "${sql}")
		string(REGEX REPLACE "TIME\\(([a-z._]+)\\)"
			"strftime('%Y-%m-%dT%H:%M:%S', (\\1 - ((\\1 % 1000000) + 1000000) % 1000000) / 1000000, 'unixepoch') || printf('.%06dZ', ((\\1 % 1000000) + 1000000) % 1000000)"
			sql "${sql}")
		get_filename_component(name ${source} NAME)
		occurd_embed(${target} sql ${name} "${sql}")
	endforeach()
endfunction()
