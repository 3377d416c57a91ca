#include "template/tags.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <kainjow/mustache.hpp>
#include <new>
#include <string>

namespace
{

using mustache_component = kainjow::mustache::component<std::string>;
using mustache_type = kainjow::mustache::tag_type;

tag_kind kind_of(mustache_type type)
{
	switch (type) {
	case mustache_type::variable:
		return TAG_VALUE;
	case mustache_type::unescaped_variable:
		return TAG_RAW;
	case mustache_type::section_begin:
		return TAG_SECTION;
	case mustache_type::section_begin_inverted:
		return TAG_INVERTED;
	case mustache_type::section_end:
		return TAG_END;
	case mustache_type::partial:
		return TAG_PARTIAL;
	case mustache_type::set_delimiter:
		return TAG_DELIMITER;
	case mustache_type::text:
	case mustache_type::comment:
		break;
	}
	return TAG_TEXT;
}

int give(const mustache_component &c, tag_taker take, void *ctx)
{
	const std::string &name = c.is_text() ? c.text : c.tag.name;
	const tag own = { kind_of(c.tag.type), c.position, name.data(), name.size() };
	int r = c.tag.type == mustache_type::comment ? 0 : take(ctx, &own);
	for (const mustache_component &child : c.children)
		r = r == 0 ? give(child, take, ctx) : r;
	const tag end = { TAG_END, c.position, name.data(), name.size() };
	return r == 0 && c.tag.is_section_begin() ? take(ctx, &end) : r;
}

/* "Unclosed tag at 17" */
void tell(const std::string &message, tag_error *error)
{
	const auto blank = message.rfind(' ');
	std::snprintf(error->text, sizeof(error->text), "%s", message.c_str());
	error->at = std::strtoul(message.c_str() + blank + 1, nullptr, 10);
}

int read(const std::string &text, tag_taker take, void *ctx, tag_error *error)
{
	kainjow::mustache::context<std::string> outer;
	kainjow::mustache::context_internal<std::string> context(outer);
	mustache_component root;
	std::string message;
	kainjow::mustache::parser<std::string>(text, context, root, message);
	if (!message.empty()) {
		tell(message, error);
		return -EINVAL;
	}
	int r = 0;
	for (const mustache_component &child : root.children)
		r = r == 0 ? give(child, take, ctx) : r;
	return r;
}

} // namespace

int tags_read(const char *text, size_t n, tag_taker take, void *ctx, struct tag_error *error)
{
	try {
		*error = tag_error();
		return read(std::string(text, n), take, ctx, error);
	} catch (const std::bad_alloc &) {
		return -ENOMEM;
	} catch (...) {
		std::snprintf(error->text, sizeof(error->text), "it cannot be read");
		return -EINVAL;
	}
}
