/* Arrays of pages: zeroed, of the size asked for, and refused when the size does not fit. */
#include "heapdump/base/pages.h"

#include "tests/graph/random.h"

START_TEST(pages_are_zeroed)
{
	static const size_t sizes[] = { 0, 1, 4096, 8 << 20, (8 << 20) + 1, 33 << 20 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint8_t *bytes = rg_pages_new(sizes[i], 1);

		ck_assert_ptr_nonnull(bytes);
		for (size_t k = 0; k < sizes[i]; k += 512)
			CHECK(i, bytes[k] == 0);
		if (sizes[i])
			bytes[sizes[i] - 1] = 1;
		free(bytes);
	}
}
END_TEST

START_TEST(pages_that_do_not_fit)
{
	volatile size_t count = SIZE_MAX / 4;

	ck_assert_ptr_null(rg_pages_new(count, 8));
}
END_TEST

TEST_MAIN("pages", pages_are_zeroed, pages_that_do_not_fit)
