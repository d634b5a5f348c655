#include "heapdump/cpython/walk.h"

#include <stdlib.h>
#include <string.h>

#include "heapdump/base/array.h"
#include "heapdump/cpython/text.h"

void rg_shared_init(struct rg_shared *shared)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&shared->lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

void rg_shared_deinit(struct rg_shared *shared)
{
	rg_objects_deinit(&shared->objects);
	rg_types_deinit(&shared->types);
	rg_map_deinit(&shared->names);
	rg_map_deinit(&shared->literals);
	rg_map_deinit(&shared->borrowers);
	pthread_mutex_destroy(&shared->lock);
}

void rg_walk_deinit(struct rg_walk *walk)
{
	rg_map_deinit(&walk->names);
	rg_map_deinit(&walk->literals);
	rg_map_deinit(&walk->native);
	rg_map_deinit(&walk->passed);
	free(walk->references);
	free(walk->put_off);
	free(walk->guesses);
	free(walk->threads);
}

/* --- names -------------------------------------------------------------------------------- */

/* The number of the string that KEY stands for in SHARED, written if it is new, and noted in OWN. */
static uint32_t number_of(struct rg_walk *walk, struct rg_map *own, struct rg_map *shared,
	uint64_t key, const char *text, size_t length)
{
	uint32_t number;
	bool noted = true;

	rg_walk_lock(walk);
	number = rg_map_get(shared, key);
	if (number == RG_MAP_NONE) {
		number = rg_writer_string(walk->writer, text, length);
		noted = rg_map_set(shared, key, number);
	}
	rg_walk_unlock(walk);
	if (!rg_map_set(own, key, number) || !noted)
		walk->out_of_memory = true;
	return number;
}

uint32_t rg_walk_name(struct rg_walk *walk, uint64_t address)
{
	uint32_t number = rg_map_get(&walk->names, address);
	char text[512];
	size_t length;

	if (number != RG_MAP_NONE)
		return number;
	if (!address || !rg_walk_is(walk, address, "str"))
		return RG_NO_STRING;
	length = rg_text_str(walk->image, walk->layout, address, text, sizeof(text), NULL);
	return number_of(walk, &walk->names, &walk->shared->names, address, text, length);
}

uint32_t rg_walk_c_name(struct rg_walk *walk, uint64_t address)
{
	uint32_t number = rg_map_get(&walk->names, address);
	char text[512];

	if (number != RG_MAP_NONE)
		return number;
	if (!rg_image_string(walk->image, address, text, sizeof(text)))
		return RG_NO_STRING;
	return number_of(walk, &walk->names, &walk->shared->names, address, text, strlen(text));
}

uint32_t rg_walk_literal(struct rg_walk *walk, const char *text)
{
	uint64_t key = (uint64_t)(uintptr_t)text;
	uint32_t number = rg_map_get(&walk->literals, key);

	if (number != RG_MAP_NONE)
		return number;
	return number_of(walk, &walk->literals, &walk->shared->literals, key, text, strlen(text));
}

bool rg_walk_is(struct rg_walk *walk, uint64_t address, const char *name)
{
	struct rg_pytype type = { 0 };

	if (address & 7 || !rg_image_at(walk->image, address, 16))
		return false;
	type.address = rg_image_u64(walk->image, address + RG_OB_TYPE);
	return rg_type_is(walk, &type, name);
}

/* --- objects and references --------------------------------------------------------------- */

bool rg_walk_spend(struct rg_walk *walk, uint64_t count)
{
	walk->room = count < walk->room ? walk->room - count : 0;
	return walk->room > 0;
}

struct rg_pytype *rg_walk_type_at(struct rg_walk *walk, uint64_t address)
{
	return rg_image_at(walk->image, address, 16)
		       ? rg_types_get(walk, rg_image_u64(walk->image, address + RG_OB_TYPE))
		       : NULL;
}

uint32_t rg_walk_find(struct rg_walk *walk, uint64_t address, struct rg_pytype **fresh_ret)
{
	uint8_t generation = RG_GEN_UNTRACKED;
	struct rg_pytype *type;
	uint32_t number;
	bool fresh;

	*fresh_ret = NULL;
	if (!address || address & 7)
		return RG_NO_OBJECT;
	number = rg_objects_find(walk->objects, address);
	if (number != RG_NO_OBJECT)
		return number;
	type = rg_walk_type_at(walk, address);
	if (!type) {
		walk->bad_pointers++;
		return RG_NO_OBJECT;
	}
	/* linked, yet in none of the lists: a collection was moving it */
	if (rg_walk_has_head(walk, type, address) &&
		rg_image_u64(walk->image, address - RG_GC_HEAD))
		generation = RG_GEN_0;
	number = rg_objects_add(walk->objects, walk->lane, address, generation, &fresh);
	walk->bad_pointers += number == RG_NO_OBJECT;
	*fresh_ret = fresh ? type : NULL;
	return number;
}

uint32_t rg_walk_object(struct rg_walk *walk, uint64_t address)
{
	struct rg_pytype *fresh;

	return rg_walk_find(walk, address, &fresh);
}

void rg_walk_refer(struct rg_walk *walk, enum rg_kind kind, uint64_t target,
	enum rg_label_form form, uint64_t label, bool untraversed)
{
	struct rg_reference_record *slot;

	if (!target || !rg_walk_spend(walk, 1))
		return;
	slot = RG_PUSH(walk->references, walk->n_references, walk->references_capacity);
	if (!slot) {
		walk->out_of_memory = true;
		return;
	}
	*slot = (struct rg_reference_record){ .target = target,
		.label = label,
		.kind = kind,
		.form = form,
		.untraversed = untraversed || walk->unknown };
}

void rg_walk_refer_as(struct rg_walk *walk, enum rg_kind kind, uint64_t target, const char *label,
	bool untraversed)
{
	if (target)
		rg_walk_refer(walk, kind, target, RG_LABEL_STRING, rg_walk_literal(walk, label),
			untraversed);
}

void rg_walk_guess(struct rg_walk *walk, uint64_t word)
{
	struct rg_guess *slot;

	if (!rg_walk_spend(walk, 1) || !word || word & 7)
		return;
	slot = RG_PUSH(walk->guesses, walk->n_guesses, walk->guesses_capacity);
	if (!slot) {
		walk->out_of_memory = true;
		return;
	}
	*slot = (struct rg_guess){
		.target = word, .source = walk->current, .place = walk->n_guesses
	};
}

void rg_walk_root(struct rg_walk *walk, const struct rg_root_record *root)
{
	uint32_t number = rg_walk_spend(walk, 1) ? rg_walk_object(walk, root->target)
						 : RG_NO_OBJECT;

	if (number == RG_NO_OBJECT)
		return;
	/* a module is held by sys.modules, whose references are counted where it is read */
	if (root->kind != RG_ROOT_MODULE && root->kind != RG_ROOT_STATIC)
		walk->objects->found[walk->lane][number]++;
	rg_writer_root(walk->writer, root);
}

bool rg_walk_unexplained(struct rg_walk *walk, uint64_t address, uint32_t number)
{
	uint64_t refcount = rg_walk_refcount(walk, address);

	return refcount != UINT64_MAX && refcount > rg_objects_found(walk->objects, number);
}

uint64_t rg_walk_base(struct rg_walk *walk, uint64_t address)
{
	const struct rg_pytype *type = rg_types_get(
		walk, rg_image_u64(walk->image, address + RG_OB_TYPE));

	if (!type)
		return address;
	if (rg_walk_has_head(walk, type, address))
		address -= RG_GC_HEAD;
	if (type->tp_flags & (RG_TPFLAG_MANAGED_DICT | RG_TPFLAG_MANAGED_WEAKREF))
		address -= RG_MANAGED_HEAD;
	return address;
}
