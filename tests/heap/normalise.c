/* An instance with values in line and one with a __dict__ give the same answer. */
#include "src/heap/fold.h"
#include "src/heap/label.h"
#include "src/heap/policy.h"
#include "tests/heap.h"
#include "tests/tap.h"

/* Object 0 refers to 1 by an attribute "peer": in line, or through a dict (object 2). */
static void load(struct rg_heap *heap, bool materialised, uint32_t dict_refcount)
{
	struct made made;
	uint32_t type, dict, str, name;
	struct rg_reference_record record = {
		.target = ADDRESS(1), .kind = RG_KIND_ATTR, .form = RG_LABEL_STRING
	};

	made_open(&made);
	type = made_type(&made, "T", RG_TYPE_HEAP | RG_TYPE_GC);
	dict = made_type(&made, "dict", RG_TYPE_GC | RG_TYPE_DICT);
	str = made_type(&made, "str", RG_TYPE_STR);
	name = made_string(&made, "peer");
	made_object(&made, 0, type, 1, RG_GEN_2);
	made_object(&made, 1, type, 1, RG_GEN_2);
	made_root(&made, 0, "m");
	record.label = name;
	if (materialised) {
		made_object(&made, 2, dict, dict_refcount, RG_GEN_2);
		made_object(&made, 3, str, 1, RG_GEN_UNTRACKED);
		rg_writer_value(made.writer, &(struct rg_value_record){ .address = ADDRESS(3),
						     .text = "peer",
						     .length = 4,
						     .kind = RG_VALUE_STR,
						     .exact = true });
		record = (struct rg_reference_record){ .target = ADDRESS(2), .kind = RG_KIND_DICT };
		rg_writer_references(made.writer, ADDRESS(0), &record, 1);
		record = (struct rg_reference_record){ .target = ADDRESS(1),
			.kind = RG_KIND_KEY,
			.form = RG_LABEL_OBJECT,
			.label = ADDRESS(3) };
		rg_writer_references(made.writer, ADDRESS(2), &record, 1);
	} else {
		rg_writer_references(made.writer, ADDRESS(0), &record, 1);
	}
	made_load(&made, heap);
}

static void check_folded(const struct rg_heap *heap)
{
	struct rg_policy policy = { .edges = RG_EDGES_DATA };
	struct rg_arena arena = { 0 };
	struct rg_graph graph;
	struct rg_error err;

	ck_assert_int_eq(rg_policy_graph(heap, &policy, &graph, &err), RG_OK);
	ck_assert_uint_eq(graph.offset[1] - graph.offset[0], 1);
	ck_assert_uint_eq(graph.target[graph.offset[0]], 1);
	ck_assert_str_eq(rg_label_reference(heap, rg_graph_label(&graph, 0), &arena), ".peer");
	ck_assert_int_eq(RG_EDGE_KIND(heap->edge[rg_graph_label(&graph, 0)]), RG_KIND_ATTR);
	rg_graph_deinit(&graph);
	rg_arena_deinit(&arena);
}

START_TEST(values_in_line)
{
	struct rg_heap heap;

	load(&heap, false, 0);
	check_folded(&heap);
	rg_heap_deinit(&heap);
}
END_TEST

START_TEST(a_dict_of_its_own)
{
	struct rg_heap heap;

	load(&heap, true, 1);
	check_folded(&heap);
	ck_assert(rg_heap_folded(&heap, 2));
	ck_assert_uint_eq(rg_heap_footprint(&heap, 0, false), 96);
	ck_assert_uint_eq(rg_heap_footprint(&heap, 0, true), 48);
	rg_heap_deinit(&heap);
}
END_TEST

START_TEST(a_dict_that_another_holds)
{
	struct rg_heap heap;

	load(&heap, true, 2);
	ck_assert(!rg_heap_folded(&heap, 2));
	rg_heap_deinit(&heap);
}
END_TEST

TEST_MAIN("normalise", values_in_line, a_dict_of_its_own, a_dict_that_another_holds)
