/*
 * An extension module for the tests, for any CPython from 3.8 on: it declares what it needs of the
 * stable ABI itself. Its type Box holds objects in an array of its own, one in its body that its
 * tp_traverse shows, and one that it does not. Its size is with the array. Its function forget()
 * forgets a Py_DECREF.
 */
#include <stddef.h>
#include <stdlib.h>

typedef struct object PyObject;
typedef int (*visitproc)(PyObject *, void *);

struct object {
	ptrdiff_t refcount;
	PyObject *type;
};

struct slot {
	int slot;
	void *function;
};

struct spec {
	const char *name;
	int basicsize, itemsize;
	unsigned flags;
	struct slot *slots;
};

struct method {
	const char *name;
	PyObject *(*function)(PyObject *, PyObject *);
	int flags;
	const char *doc;
};

struct module_definition {
	PyObject base;
	void *init;
	ptrdiff_t index;
	PyObject *copy;
	const char *name, *doc;
	ptrdiff_t size;
	struct method *methods;
	void *rest[4];
};

extern PyObject *PyModule_Create2(struct module_definition *, int);
extern int PyModule_AddObject(PyObject *, const char *, PyObject *);
extern PyObject *PyType_FromSpec(struct spec *);
extern PyObject *PyType_GenericAlloc(PyObject *, ptrdiff_t);
extern void *PyType_GetSlot(PyObject *, int);
extern void PyObject_GC_UnTrack(void *);
extern PyObject *PyLong_FromSize_t(size_t);
extern ptrdiff_t PyTuple_Size(PyObject *);
extern PyObject *PyTuple_GetItem(PyObject *, ptrdiff_t);
extern void Py_IncRef(PyObject *);
extern void Py_DecRef(PyObject *);

/* Include/typeslots.h */
enum {
	TP_CLEAR = 51,
	TP_DEALLOC = 52,
	TP_METHODS = 64,
	TP_NEW = 65,
	TP_TRAVERSE = 71,
	TP_FREE = 74
};
#define NO_ARGUMENTS 4
#define ONE_ARGUMENT 8
#define HAVE_GC (1u << 14)
#define DEFAULT_FLAGS (1u << 18)
#define ABI_VERSION 3

struct box {
	PyObject base;
	PyObject *shown, *hidden;
	size_t count;
	PyObject **items;
};

/* Box(shown, hidden, *items) */
static PyObject *box_new(PyObject *type, PyObject *arguments, PyObject *keywords)
{
	struct box *box = (struct box *)PyType_GenericAlloc(type, 0);
	size_t n = (size_t)PyTuple_Size(arguments);

	(void)keywords;
	if (!box || n < 2)
		return (PyObject *)box;
	box->items = calloc(n, sizeof(*box->items));
	for (size_t i = 0; i < n; i++) {
		PyObject *item = PyTuple_GetItem(arguments, (ptrdiff_t)i);

		Py_IncRef(item);
		if (i == 0)
			box->shown = item;
		else if (i == 1)
			box->hidden = item;
		else if (box->items)
			box->items[box->count++] = item;
	}
	return (PyObject *)box;
}

static int box_traverse(PyObject *self, visitproc visit, void *context)
{
	struct box *box = (struct box *)self;
	int stop = box->shown ? visit(box->shown, context) : 0;

	for (size_t i = 0; !stop && i < box->count; i++)
		stop = visit(box->items[i], context);
	return stop ? stop : visit(self->type, context);
}

static int box_clear(PyObject *self)
{
	struct box *box = (struct box *)self;
	PyObject *shown = box->shown, *hidden = box->hidden;

	box->shown = box->hidden = NULL;
	Py_DecRef(shown);
	Py_DecRef(hidden);
	while (box->count > 0)
		Py_DecRef(box->items[--box->count]);
	return 0;
}

static void box_dealloc(PyObject *self)
{
	PyObject *type = self->type;
	void (*release)(void *) = (void (*)(void *))PyType_GetSlot(type, TP_FREE);

	PyObject_GC_UnTrack(self);
	box_clear(self);
	free(((struct box *)self)->items);
	release(self);
	Py_DecRef(type);
}

static PyObject *box_sizeof(PyObject *self, PyObject *nothing)
{
	(void)nothing;
	return PyLong_FromSize_t(
		sizeof(struct box) + ((struct box *)self)->count * sizeof(PyObject *));
}

static struct method box_methods[] = {
	{ "__sizeof__", box_sizeof, NO_ARGUMENTS, NULL },
	{ NULL, NULL, 0, NULL },
};

static struct slot box_slots[] = {
	{ TP_METHODS, (void *)box_methods },
	{ TP_NEW, (void *)box_new },
	{ TP_TRAVERSE, (void *)box_traverse },
	{ TP_CLEAR, (void *)box_clear },
	{ TP_DEALLOC, (void *)box_dealloc },
	{ 0, NULL },
};

static struct spec box_spec = { "container.Box", sizeof(struct box), 0, DEFAULT_FLAGS | HAVE_GC,
	box_slots };

/* The mistake that `refgraph audit` finds: a reference that is never given back. */
static PyObject *forget(PyObject *module, PyObject *object)
{
	(void)module;
	Py_IncRef(object);
	return PyLong_FromSize_t(0);
}

static struct method functions[] = {
	{ "forget", forget, ONE_ARGUMENT, NULL },
	{ NULL, NULL, 0, NULL },
};

static struct module_definition definition = {
	.base = { 1, NULL }, .name = "container", .size = -1, .methods = functions
};

__attribute__((visibility("default"))) PyObject *PyInit_container(void);

PyObject *PyInit_container(void)
{
	PyObject *module = PyModule_Create2(&definition, ABI_VERSION);

	if (module)
		PyModule_AddObject(module, "Box", PyType_FromSpec(&box_spec));
	return module;
}
