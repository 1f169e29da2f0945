/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "models/config.h"
#include "models/host_config.h"
#include "tests/suite.h"

/* Calls `body` with every row of every model, and every instance and queue of it. */
#define EACH_FIELD(c, model, row, i, q) \
    for (const struct model_info *const *at_ = rx_path, *model; (model = *at_) != NULL; at_++) \
        for (const struct param *row = model->params; row < model->params + model->n_params; row++) \
            for (int i = 0; i < config_instances(c, model->scope); i++) \
                for (int q = 0; q < (model->scope == SCOPE_QUEUE ? CONFIG_QUEUES : 1); q++)

START_TEST(every_parameter_begins_at_its_default)
{
    struct config c;
    int fields = 0;

    CHECK_EQ(config_init(&c, 2, 3, 0), 0);
    EACH_FIELD(&c, model, row, i, q) {
        ck_assert_msg(*config_at(&c, model, row, i, q) == row->dflt, "%s", row->name);
        fields++;
    }
    ck_assert_int_gt(fields, 100);
    CHECK_EQ(c.texts, 1);
    ck_assert_str_eq(c.text[0], "");
    config_free(&c);
}
END_TEST

/* Writes a different number everywhere, then finds each where it was written: no two parameters share a field. */
START_TEST(every_parameter_has_a_field_of_its_own)
{
    struct config c;
    int64_t n = 0;

    CHECK_EQ(config_init(&c, 2, 2, 2), 0);
    EACH_FIELD(&c, model, row, i, q)
        *config_at(&c, model, row, i, q) = ++n;
    n = 0;
    EACH_FIELD(&c, model, row, i, q)
        ck_assert_msg(*config_at(&c, model, row, i, q) == ++n, "%s", row->name);
    config_free(&c);
}
END_TEST

START_TEST(no_two_parameters_have_one_name)
{
    for (const struct model_info *const *a = rx_path; *a; a++)
        for (size_t i = 0; i < (*a)->n_params; i++)
            for (const struct model_info *const *b = rx_path; *b; b++)
                for (size_t j = 0; j < (*b)->n_params; j++)
                    ck_assert_msg((a == b && i == j) || strcmp((*a)->params[i].name, (*b)->params[j].name) != 0,
                                  "%s is in %s and in %s", (*a)->params[i].name, (*a)->name, (*b)->name);
}
END_TEST

START_TEST(equal_texts_share_an_index)
{
    struct config c;

    CHECK_EQ(config_init(&c, 1, 1, 1), 0);
    CHECK_EQ(config_text(&c, ""), 0);
    CHECK_EQ(config_text(&c, "mlx5"), 1);
    CHECK_EQ(config_text(&c, "ixgbe"), 2);
    CHECK_EQ(config_text(&c, "mlx5"), 1);
    ck_assert_str_eq(c.text[2], "ixgbe");
    config_free(&c);
    ck_assert_ptr_null(c.text);
}
END_TEST

START_TEST(a_copy_shares_nothing_with_its_original)
{
    struct config c, copy;
    struct arrivals *arrivals = (struct arrivals *)(void *)&c;      /* any address: it is only passed on */
    int64_t n = 0;

    CHECK_EQ(config_init(&c, 2, 3, 1), 0);
    EACH_FIELD(&c, model, row, i, q)
        *config_at(&c, model, row, i, q) = ++n;
    CHECK_EQ(config_text(&c, "mlx5"), 1);
    strcpy(c.nic_name[1], "eth1");
    strcpy(c.traffic_name[2], "web");
    strcpy(c.app_name[0], "srv");
    c.arrivals[2] = arrivals;
    CHECK_EQ(config_copy(&copy, &c), 0);

    EACH_FIELD(&c, model, row, i, q)
        *config_at(&c, model, row, i, q) = -1;
    c.text[1][0] = 'x';
    n = 0;
    EACH_FIELD(&copy, model, row, i, q)
        ck_assert_msg(*config_at(&copy, model, row, i, q) == ++n, "%s", row->name);
    config_free(&c);
    CHECK_EQ(copy.nics, 2);
    CHECK_EQ(copy.traffics, 3);
    CHECK_EQ(copy.apps, 1);
    ck_assert_str_eq(copy.text[1], "mlx5");
    ck_assert_str_eq(config_instance_name(&copy, SCOPE_QUEUE, 1), "eth1");
    ck_assert_str_eq(config_instance_name(&copy, SCOPE_TRAFFIC, 2), "web");
    ck_assert_str_eq(config_instance_name(&copy, SCOPE_APP, 0), "srv");
    ck_assert_ptr_eq(copy.arrivals[2], arrivals);
    config_free(&copy);
}
END_TEST

/* At 2 GHz a cycle is 500 ps: 3 cycles are 1500 ps, and 0.003 cycles a byte are 1.5 ps = 1500 fs. What is written
 * as time stays: 7 ps, 7 fs a byte. Odd numbers are times (param.h). */
START_TEST(costs_become_time_at_the_clock_they_run_at)
{
    struct config c;
    bool as_time = false;
    int costs = 0;

    CHECK_EQ(config_init(&c, 2, 1, 2), 0);
    EACH_FIELD(&c, model, row, i, q) {
        as_time = !as_time;
        if (row->unit == UNIT_COST)
            *config_at(&c, model, row, i, q) = as_time ? COST_PS(7) : COST_CYCLES(3);
        else if (row->unit == UNIT_COST_PER_BYTE)
            *config_at(&c, model, row, i, q) = as_time ? 7 * 2 + 1 : 3 * 2;
        else
            *config_at(&c, model, row, i, q) = 7;
    }
    config_unpack_costs(&c, (hz_t){ 2000000 });
    as_time = false;
    EACH_FIELD(&c, model, row, i, q) {
        bool is_cost = row->unit == UNIT_COST || row->unit == UNIT_COST_PER_BYTE;

        as_time = !as_time;
        costs += is_cost;
        ck_assert_msg(*config_at(&c, model, row, i, q) == (is_cost && !as_time ? 1500 : 7), "%s", row->name);
    }
    ck_assert_int_gt(costs, 10);
    config_free(&c);
}
END_TEST

START_TEST(scopes_have_the_sizes_of_their_structs)
{
    CHECK_EQ(config_scope_size(SCOPE_HOST), sizeof(struct host_config));
    CHECK_EQ(config_scope_size(SCOPE_NIC), sizeof(struct nic_config));
    CHECK_EQ(config_scope_size(SCOPE_QUEUE), sizeof(struct queue_config));
    CHECK_EQ(config_scope_size(SCOPE_TRAFFIC), sizeof(struct traffic_config));
    CHECK_EQ(config_scope_size(SCOPE_APP), sizeof(struct app_config));
}
END_TEST

SUITE(config, every_parameter_begins_at_its_default, every_parameter_has_a_field_of_its_own,
      no_two_parameters_have_one_name, equal_texts_share_an_index, a_copy_shares_nothing_with_its_original,
      costs_become_time_at_the_clock_they_run_at, scopes_have_the_sizes_of_their_structs)
