# occurd_embed(TARGET FOLDER NAME TEXT): FOLDER/NAME.inc in the build tree, TEXT as a C string literal
# for TARGET's sources to #include.
function(occurd_embed target folder name text)
	string(REGEX REPLACE "\\\\" "\\\\\\\\" text "${text}")
	string(REPLACE "\"" "\\\"" text "${text}")
	string(REPLACE "\n" "\\n\"\n\"" text "${text}")
	file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${folder}/${name}.inc CONTENT "\"${text}\"\n" @ONLY)
	target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/${folder})
endfunction()

# occurd_embed_files(TARGET FOLDER FILE ...): the same for whole files, read again when they change.
function(occurd_embed_files target folder)
	foreach(source ${ARGN})
		set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
		file(READ ${source} text)
		get_filename_component(name ${source} NAME)
		occurd_embed(${target} ${folder} ${name} "${text}")
	endforeach()
endfunction()
