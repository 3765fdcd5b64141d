/* test_log_ring: whole lines, in order, over the end; full in bytes and in number; given up. */
#include "log_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct log_ring ring;
static struct log_batch batch;

static int setup(void **state)
{
	(void)state;
	log_ring_init(&ring);
	memset(&batch, 0, sizeof(batch));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_ring_fini(&ring);
	return 0;
}

static bool put_number(unsigned number, size_t length)
{
	char line[LOG_LINE_MAX];

	memset(line, 'x', sizeof(line));
	snprintf(line, sizeof(line), "%08u", number);
	line[8] = ' ';
	line[length - 1] = '\n';
	return log_ring_put(&ring, line, length, 0, 0);
}

static void lines_come_out_whole_and_in_order(void **state)
{
	unsigned in = 0, got = 0;
	char number[16];

	(void)state;
	/* 1,001 does not divide the ring: each place of its end is cut through once */
	for (int turn = 0; turn < 200; turn++) {
		for (int i = 0; i < 37; i++)
			assert_true(put_number(in++, 1001));
		while (ring.count > 0) {
			log_ring_take(&ring, &batch);
			assert_true(batch.count > 0 && batch.length == batch.count * 1001);
			for (size_t i = 0; i < batch.count; i++) {
				snprintf(number, sizeof(number), "%08u x", got++);
				assert_memory_equal(batch.text + i * 1001, number, 10);
				assert_int_equal(batch.text[i * 1001 + 1000], '\n');
			}
			log_batch_sent(&batch, batch.length);
			assert_true(log_batch_empty(&batch));
		}
	}
	assert_int_equal(in, got);
	log_ring_take(&ring, &batch);
	assert_true(log_batch_empty(&batch));
}

static void it_is_full_in_bytes(void **state)
{
	unsigned in = 0;

	(void)state;
	while (put_number(in, 4000))
		in++;
	assert_int_equal(in, LOG_RING_BYTES / 4000);
	assert_false(put_number(in, 4000));
	assert_true(put_number(in, LOG_RING_BYTES % 4000)); /* to the last byte */
	assert_false(put_number(in, 16));
	log_ring_take(&ring, &batch);
	assert_int_equal(batch.count, LOG_TAKE_BYTES / 4000);
	assert_true(put_number(in, 4000));
}

static void it_is_full_in_lines(void **state)
{
	unsigned in = 0;

	(void)state;
	while (put_number(in, 10))
		in++;
	assert_int_equal(in, LOG_RING_LINES);
	log_ring_take(&ring, &batch);
	assert_int_equal(batch.count, LOG_TAKE_LINES);
	/* one that leaves room for another */
	for (int i = 0; i < LOG_TAKE_LINES - 1; i++)
		assert_true(log_ring_put(&ring, "tells", 5, 3, 100));
	assert_false(log_ring_put(&ring, "tells", 5, 3, 100));
	assert_true(put_number(in, 10));
	assert_false(put_number(in, 10));
}

static void a_batch_goes_out_in_pieces(void **state)
{
	uint64_t untold;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_true(put_number(i, 10));
	assert_true(log_ring_put(&ring, "7 were lost\n", 12, 7, 100));
	log_ring_take(&ring, &batch);
	assert_int_equal(batch.count, 5);
	log_batch_sent(&batch, 0);
	log_batch_sent(&batch, 9);
	assert_int_equal(batch.at, 0);
	log_batch_sent(&batch, 12); /* to the first byte of the third */
	assert_int_equal(batch.at, 2);
	assert_int_equal(batch.begin, 20);
	/* the third, of which a part is out, and the fourth; and what tells of seven is to be told again */
	assert_int_equal(log_batch_drop(&batch, &untold), 2);
	assert_int_equal(untold, 7);
	assert_true(log_batch_empty(&batch));
	assert_int_equal(log_batch_drop(&batch, &untold), 0);
	assert_int_equal(untold, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_come_out_whole_and_in_order),
		TEST(it_is_full_in_bytes),
		TEST(it_is_full_in_lines),
		TEST(a_batch_goes_out_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
