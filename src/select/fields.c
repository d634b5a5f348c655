#include "src/select/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heapdump/base/arena.h"
#include "heapdump/snapshot/redact.h"
#include "src/heap/fold.h"
#include "src/heap/label.h"
#include "src/select/match.h"
#include "src/select/select.h"

/* What stands for an object in the graph that is asked. */
static uint32_t shown(const struct rg_selector *selector, uint32_t id)
{
	return rg_heap_place(selector->heap, id, selector->options.raw);
}

/* --- flags -------------------------------------------------------------------------------- */

static bool is_tracked(const struct rg_selector *selector, uint32_t id)
{
	return rg_heap_tracked(selector->heap, id);
}

static bool is_immortal(const struct rg_selector *selector, uint32_t id)
{
	return selector->heap->flags[id] & RG_OBJECT_IMMORTAL;
}

static bool is_garbage(const struct rg_selector *selector, uint32_t id)
{
	return rg_bitset_get(&selector->garbage.dead, id);
}

static bool is_hidden(const struct rg_selector *selector, uint32_t id)
{
	return rg_bitset_get(&selector->garbage.hidden, id);
}

static bool is_unreached(const struct rg_selector *selector, uint32_t id)
{
	return rg_bitset_get(&selector->garbage.unreached, id);
}

static bool is_in_cycle(const struct rg_selector *selector, uint32_t id)
{
	return rg_bitset_get(&selector->cyclic, shown(selector, id));
}

static bool is_held(const struct rg_selector *selector, uint32_t id)
{
	return rg_bitset_get(&selector->held, shown(selector, id));
}

static bool is_listed(const struct rg_selector *selector, uint32_t id)
{
	return rg_bitset_get(&selector->listed, id);
}

static bool is_new(const struct rg_selector *selector, uint32_t id)
{
	return rg_bitset_get(selector->options.made, shown(selector, id));
}

/* --- amounts ------------------------------------------------------------------------------ */

static uint64_t size_of(const struct rg_selector *selector, uint32_t id)
{
	return selector->heap->size[id];
}

static uint64_t footprint_of(const struct rg_selector *selector, uint32_t id)
{
	return rg_heap_footprint(selector->heap, id, selector->options.raw);
}

static uint64_t retained_of(const struct rg_selector *selector, uint32_t id)
{
	uint32_t number = rg_retained_number(&selector->retained, shown(selector, id));

	return number ? selector->retained.bytes[number] : RG_SELECT_NOTHING;
}

static uint64_t items_of(const struct rg_selector *selector, uint32_t id)
{
	uint32_t items = selector->heap->items[id];

	return items == RG_NO_ITEMS ? RG_SELECT_NOTHING : items;
}

static uint64_t refcount_of(const struct rg_selector *selector, uint32_t id)
{
	return is_immortal(selector, id) ? RG_SELECT_NOTHING : selector->heap->refcount[id];
}

static uint64_t generation_of(const struct rg_selector *selector, uint32_t id)
{
	return rg_heap_generation(selector->heap, id);
}

static uint64_t distance_of(const struct rg_selector *selector, uint32_t id)
{
	uint32_t distance = selector->paths.distances.distance[shown(selector, id)];

	return distance == RG_UNREACHED ? RG_SELECT_NOTHING : distance;
}

static uint64_t address_of(const struct rg_selector *selector, uint32_t id)
{
	return selector->heap->address[id];
}

static uint64_t number_of(const struct rg_selector *selector, uint32_t id)
{
	(void)selector;
	return id;
}

bool rg_select_compares(enum rg_select_compare compare, uint64_t amount, uint64_t number)
{
	switch (compare) {
	case RG_EQ:
		return amount == number;
	case RG_NE:
		return amount != number;
	case RG_LT:
		return amount < number;
	case RG_LE:
		return amount <= number;
	case RG_GT:
		return amount > number;
	default:
		return amount >= number;
	}
}

/* What is not in a generation is neither before one nor after it. */
static bool is_ordered(const struct rg_select_test *test, uint64_t amount)
{
	return test->field->type != RG_SELECT_GENERATION || test->compare <= RG_NE ||
	       amount <= RG_GEN_2;
}

static void run_amounts(const struct rg_selector *selector, const struct rg_select_test *test,
	struct rg_bitset *set)
{
	for (uint32_t id = 0; id < set->n; id++) {
		uint64_t amount = test->field->amount(selector, id);

		if (amount != RG_SELECT_NOTHING && is_ordered(test, amount) &&
			rg_select_compares(test->compare, amount, test->number))
			rg_bitset_set(set, id);
	}
}

static void run_flag(const struct rg_selector *selector, const struct rg_select_field *field,
	struct rg_bitset *set)
{
	for (uint32_t id = 0; id < set->n; id++)
		if (field->holds(selector, id))
			rg_bitset_set(set, id);
}

/* --- texts -------------------------------------------------------------------------------- */

/* A search: which objects have such a text, and of which one fits. */
struct rg_select_texts {
	const struct rg_selector *selector;
	const char *pattern, *hidden; /* HIDDEN: what names are redacted to, or NULL */
	struct rg_bitset has, fits;
	struct rg_error *err;
};

static bool text_fits(const struct rg_select_texts *texts, struct rg_text text)
{
	return rg_match(texts->pattern, text, false) ||
	       (texts->hidden && rg_match(texts->hidden, text, false));
}

static void note(struct rg_select_texts *texts, uint32_t id, bool fits)
{
	rg_bitset_set(&texts->has, id);
	if (fits)
		rg_bitset_set(&texts->fits, id);
}

static bool type_fits(const struct rg_select_texts *texts, const struct rg_heap_type *type)
{
	return rg_match_type(type, texts->pattern, false) ||
	       (texts->hidden && rg_match_type(type, texts->hidden, false));
}

static bool module_fits(const struct rg_select_texts *texts, const struct rg_heap_type *type)
{
	return text_fits(texts, type->module);
}

/* Of each object by its type. A name that no type has is a mistake, not an empty answer. */
static enum rg_code by_type(struct rg_select_texts *texts,
	bool (*fits)(const struct rg_select_texts *texts, const struct rg_heap_type *type),
	enum rg_code (*none)(const struct rg_heap *heap, const char *name, struct rg_error *err))
{
	const struct rg_heap *heap = texts->selector->heap;
	uint8_t *wanted = rg_array_new(heap->n_types, 1);
	bool any = false;

	if (!wanted)
		return rg_nomem(texts->err);
	for (size_t i = 0; i < heap->n_types; i++)
		any |= wanted[i] = fits(texts, &heap->types[i]);
	for (uint32_t id = 0; id < heap->n_objects; id++)
		note(texts, id, wanted[heap->type[id]]);
	free(wanted);
	return any ? RG_OK : none(heap, texts->pattern, texts->err);
}

static enum rg_code types(struct rg_select_texts *texts)
{
	return by_type(texts, type_fits, rg_match_no_type);
}

static enum rg_code modules(struct rg_select_texts *texts)
{
	return by_type(texts, module_fits, rg_match_no_module);
}

static void by_value(struct rg_select_texts *texts, enum rg_value_kind low, enum rg_value_kind high)
{
	const struct rg_heap *heap = texts->selector->heap;

	for (size_t i = 0; i < heap->n_values; i++) {
		const struct rg_heap_value *value = &heap->values[i];

		if (value->kind >= low && value->kind <= high)
			note(texts, value->object,
				text_fits(texts, value->text) ||
					(value->kind == RG_VALUE_NAME &&
						text_fits(texts, rg_match_last_part(value->text))));
	}
}

static enum rg_code values(struct rg_select_texts *texts)
{
	by_value(texts, RG_VALUE_STR, RG_VALUE_NUMBER);
	return RG_OK;
}

static enum rg_code names(struct rg_select_texts *texts)
{
	by_value(texts, RG_VALUE_NAME, RG_VALUE_NAME);
	return RG_OK;
}

/* Where it was allocated, or else where it was written. */
static enum rg_code sites(struct rg_select_texts *texts)
{
	const struct rg_heap *heap = texts->selector->heap;
	uint8_t *wanted = rg_array_new(heap->n_sites, 1);
	struct rg_arena arena = { 0 };

	if (!wanted)
		return rg_nomem(texts->err);
	by_value(texts, RG_VALUE_PLACE, RG_VALUE_PLACE);
	for (uint32_t i = 0; i < heap->n_sites; i++) {
		const char *text = rg_label_site(heap, i, &arena);

		wanted[i] = text_fits(texts, (struct rg_text){ text, (uint32_t)strlen(text) });
	}
	for (uint32_t id = 0; id < heap->n_objects; id++)
		if (rg_heap_site(heap, id) != RG_NO_SITE) {
			rg_bitset_clear(&texts->fits, id);
			note(texts, id, wanted[rg_heap_site(heap, id)]);
		}
	free(wanted);
	return rg_arena_end(&arena, RG_OK, texts->err);
}

/* By the kind of a root, its name, or all that is said of it. */
static bool root_fits(const struct rg_select_texts *texts, const struct rg_heap_root *root,
	struct rg_arena *arena)
{
	const struct rg_heap *heap = texts->selector->heap;
	const char *kind = rg_root_names[root->kind], *label;

	if (text_fits(texts, (struct rg_text){ kind, (uint32_t)strlen(kind) }) ||
		text_fits(texts, rg_heap_string(heap, root->name)))
		return true;
	label = rg_label_root(heap, root, arena);
	return text_fits(texts, (struct rg_text){ label, (uint32_t)strlen(label) });
}

static enum rg_code roots(struct rg_select_texts *texts)
{
	const struct rg_selector *selector = texts->selector;
	const struct rg_heap *heap = selector->heap;
	enum rg_code code = RG_OK;

	for (size_t i = 0; !code && i < heap->n_roots; i++) {
		struct rg_arena arena = { 0 };
		bool fits = root_fits(texts, &heap->roots[i], &arena);

		note(texts, shown(selector, heap->roots[i].object), fits);
		code = rg_arena_end(&arena, RG_OK, texts->err);
	}
	/* a helper is held as what it is part of */
	for (uint32_t id = 0; !code && id < heap->n_objects; id++)
		if (shown(selector, id) != id && rg_bitset_get(&texts->has, shown(selector, id)))
			note(texts, id, rg_bitset_get(&texts->fits, shown(selector, id)));
	return code;
}

/* What names are redacted to, of a pattern of them: a part that is * stays. */
static void hide(const char *pattern, char out[RG_REDACTED])
{
	char part[RG_REDACTED], hidden[RG_REDACTED];
	size_t used = 0, length;

	for (;; pattern += length + 1) {
		length = strcspn(pattern, ".");
		snprintf(part, sizeof(part), "%.*s", (int)length, pattern);
		if (strcmp(part, "*") == 0)
			strcpy(hidden, part);
		else
			rg_redact_name(part, hidden);
		used += (size_t)snprintf(
			out + used, RG_REDACTED - used, "%s%s", hidden, pattern[length] ? "." : "");
		if (!pattern[length] || used >= RG_REDACTED)
			return;
	}
}

static enum rg_code run_texts(const struct rg_selector *selector, const struct rg_select_test *test,
	struct rg_bitset *set, struct rg_error *err)
{
	struct rg_select_texts texts = { selector, test->text, NULL, { 0 }, { 0 }, err };
	char hidden[RG_REDACTED];
	enum rg_code code = rg_bitset_init(&texts.has, set->n, err);

	/* who asks for names to be hidden may still use them */
	if (selector->options.redacted) {
		hide(test->text, hidden);
		texts.hidden = hidden;
	}
	if (!code)
		code = rg_bitset_init(&texts.fits, set->n, err);
	if (!code)
		code = test->field->texts(&texts);
	for (size_t i = 0; !code && i < rg_bitset_words(set->n); i++)
		set->words[i] = test->compare == RG_EQ ? texts.fits.words[i]
						       : texts.has.words[i] & ~texts.fits.words[i];
	rg_bitset_deinit(&texts.has);
	rg_bitset_deinit(&texts.fits);
	return code;
}

enum rg_code rg_select_test_run(const struct rg_selector *selector,
	const struct rg_select_test *test, struct rg_bitset *set_ret, struct rg_error *err)
{
	enum rg_code code = rg_bitset_init(set_ret, selector->heap->n_objects, err);

	if (code)
		return code;
	if (test->compare == RG_ALONE)
		run_flag(selector, test->field, set_ret);
	else if (test->field->type == RG_SELECT_TEXT)
		code = run_texts(selector, test, set_ret, err);
	else
		run_amounts(selector, test, set_ret);
	if (code)
		rg_bitset_deinit(set_ret);
	return code;
}

/* --- the table ---------------------------------------------------------------------------- */

#define FLAG(is) .type = RG_SELECT_FLAG, .alone = true, .holds = (is)

const struct rg_select_field rg_select_fields[RG_SELECT_FIELDS] = {
	{ "type", .type = RG_SELECT_TEXT, .texts = types,
		.summary = "the name of its type: short, qualified, or with the module" },
	{ "module", .type = RG_SELECT_TEXT, .texts = modules, .summary = "the module of its type" },
	{ "size", .type = RG_SELECT_BYTES, .amount = size_of,
		.summary = "sys.getsizeof() of it alone" },
	{ "footprint", .type = RG_SELECT_BYTES, .amount = footprint_of,
		.summary = "with folded helpers and storage that getsizeof does not count" },
	{ "retained", .type = RG_SELECT_BYTES, .needs = RG_NEEDS_RETAINED, .amount = retained_of,
		.summary = "what would be freed with it; garbage retains nothing" },
	{ "items", .type = RG_SELECT_COUNT, .amount = items_of, .summary = "its length" },
	{ "refcount", .type = RG_SELECT_COUNT, .amount = refcount_of,
		.summary = "its reference count; an immortal object has none" },
	{ "gen", "generation", .type = RG_SELECT_GENERATION, .amount = generation_of,
		.summary = "0, 1, 2, permanent or untracked" },
	{ "distance", .type = RG_SELECT_COUNT, .needs = RG_NEEDS_PATHS, .amount = distance_of,
		.summary = "references from the nearest root" },
	{ "root", .type = RG_SELECT_TEXT, .alone = true, .needs_alone = RG_NEEDS_ROOTS,
		.holds = is_held, .texts = roots,
		.summary = "held directly by a root; by one of this kind, name or text" },
	{ "name", .type = RG_SELECT_TEXT, .texts = names,
		.summary = "of a function, module or type: qualified, or the last part" },
	{ "value", .type = RG_SELECT_TEXT, .texts = values,
		.summary = "the preview of a str, bytes or number" },
	{ "site", .type = RG_SELECT_TEXT, .texts = sites,
		.summary = "file:line where it was allocated, or else where it was written" },
	{ "id", .type = RG_SELECT_PLACE, .needs = RG_NEEDS_NUMBERS, .amount = number_of,
		.summary = "its object number" },
	{ "address", .type = RG_SELECT_PLACE, .amount = address_of, .summary = "as id() gives it" },
	{ "tracked", FLAG(is_tracked), .summary = "in one of the collector's lists" },
	{ "immortal", FLAG(is_immortal), .summary = "its reference count means nothing" },
	{ "cycle", FLAG(is_in_cycle), .needs_alone = RG_NEEDS_CYCLES,
		.summary = "in a reference cycle, of those that --edges follows" },
	{ "garbage", FLAG(is_garbage), .needs_alone = RG_NEEDS_GARBAGE,
		.summary = "dead by the collector's own test, or held by that alone" },
	{ "hidden", FLAG(is_hidden), .needs_alone = RG_NEEDS_GARBAGE,
		.summary = "held by itself alone, and never freed" },
	{ "unreached", FLAG(is_unreached), .needs_alone = RG_NEEDS_GARBAGE,
		.summary = "held from C, by no root that has a name" },
	{ "listed", FLAG(is_listed), .needs_alone = RG_NEEDS_LIST,
		.summary = "in the list of --from, which then selects nothing by itself" },
	{ "new", FLAG(is_new), .needs_alone = RG_NEEDS_NEW,
		.summary = "not in the snapshot of --new-since, which then selects nothing by "
			   "itself" },
};
