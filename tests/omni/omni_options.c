/* omni_options: a row of every type, three blocks deep, with every flag, and two checks of our own. */
#include <string.h>

#include "omni.h"

const char *const omni_colours[] = { "red", "green", "blue", NULL };
static const char *const soils[] = { "sand", "loam", "clay", NULL };

static int check_height(const void *value, struct mu_error *error)
{
	double height = *(const double *)value;

	if (height != 13)
		return 0;
	mu_error(error, -EINVAL, "no plant is %g high", height);
	mu_error_remedy(error, "choose another height");
	return -EINVAL;
}

static int check_garden(const void *value, struct mu_error *error)
{
	const struct garden *garden = value;

	if (garden->beds.count > 0 || strcmp(garden->name, "wild") == 0)
		return 0;
	return mu_error(error, -EINVAL, "garden \"%s\" has no bed", garden->name);
}

static const struct mu_option plant_options[] = {
	MU_OPT_STRING(struct plant, name, .name = "Name", .flags = MU_KEY | MU_UNIQUE | MU_REQUIRED,
	              .help = "what grows"),
	MU_OPT_DOUBLE(struct plant, height, .name = "Height", .dflt = "0.5", .min = 0, .max = 100, .unit = "m",
	              .help = "of one plant", .check = check_height),
	MU_OPT_INT(struct plant, count, .name = "Count", .dflt = "1", .min = 1, .max = 1000, .help = "how many"),
	MU_OPT_STRINGS(struct plant, tags, .name = "Tags", .max = 8, .help = "words about it"),
	MU_OPT_END
};
static const struct mu_option bed_options[] = {
	MU_OPT_STRING(struct bed, name, .name = "Name", .flags = MU_KEY | MU_UNIQUE | MU_REQUIRED,
	              .help = "which bed"),
	MU_OPT_DOUBLE(struct bed, width, .name = "Width", .flags = MU_REQUIRED, .min = 0.1, .max = 50, .unit = "m",
	              .help = "from path to path"),
	MU_OPT_BLOCK(struct bed, plants, struct plant, plant_options, .name = "Plant", .help = "what grows in it"),
	MU_OPT_END
};
static const struct mu_option garden_options[] = {
	MU_OPT_STRING(struct garden, name, .name = "Name", .flags = MU_KEY | MU_UNIQUE | MU_REQUIRED,
	              .help = "which garden"),
	MU_OPT_ENUM(struct garden, soil, .name = "Soil", .dflt = "loam", .choices = soils, .help = "its earth"),
	MU_OPT_DURATION(struct garden, season, .name = "Season", .dflt = "90d", .min = 86400, .unit = "s",
	                .help = "from seed to harvest"),
	MU_OPT_BLOCK(struct garden, beds, struct bed, bed_options, .name = "Bed", .help = "a part of it"),
	MU_OPT_END
};

const struct mu_option omni_options[] = {
	MU_OPT_STRING(struct config, greeting, .name = "Greeting", .dflt = "hello", .help = "taken over while it runs"),
	MU_OPT_STRING(struct config, anchor, .name = "Anchor", .dflt = "here", .help = "a change restarts the plugin"),
	MU_OPT_STRING(struct config, password, .name = "Password", .flags = MU_SECRET, .help = "shown to nobody"),
	MU_OPT_INT(struct config, level, .name = "Level", .dflt = "7", .min = 0, .max = 100, .help = "a whole number"),
	MU_OPT_DOUBLE(struct config, share, .name = "Share", .dflt = "0.25", .min = 0, .max = 1, .help = "a fraction"),
	MU_OPT_DURATION(struct config, period, .name = "Period", .dflt = "1s", .min = 0.01, .max = 3600, .unit = "s",
	                .help = "between two beats of its timer"),
	MU_OPT_SIZE(struct config, room, .name = "Room", .dflt = "64K", .unit = "bytes", .help = "a size"),
	MU_OPT_ENUM(struct config, colour, .name = "Colour", .dflt = "green", .choices = omni_colours,
	            .help = "one of three"),
	MU_OPT_BOOL(struct config, loud, .name = "Loud", .dflt = "no", .help = "tells its start in an event"),
	MU_OPT_STRINGS(struct config, tags, .name = "Tags", .dflt = "one \"two words\"", .max = 8, .help = "words"),
	MU_OPT_BLOCK(struct config, gardens, struct garden, garden_options, .name = "Garden", .check = check_garden,
	             .help = "each plant in it is a thing"),
	MU_OPT_BOOL(struct config, refuse, .name = "Refuse", .dflt = "false",
	            .help = "new options are refused while it runs"),
	MU_OPT_STRING(struct config, fail_start, .name = "FailStart", .help = "does not start, with this sentence"),
	MU_OPT_STRING(struct config, hang_file, .name = "HangFile", .help = "a read hangs while this file is there"),
	MU_OPT_STRING(struct config, fail_file, .name = "FailFile", .help = "a read fails while this file is there"),
	MU_OPT_STRING(struct config, stop_file, .name = "StopFile", .help = "gets a line why it stops"),
	MU_OPT_DURATION(struct config, stop_delay, .name = "StopDelay", .dflt = "0", .help = "how late it stops"),
	MU_OPT_DURATION(struct config, write_delay, .name = "WriteDelay", .dflt = "0",
	                .help = "how long it takes over each batch"),
	MU_OPT_STRING(struct config, watch_series, .name = "WatchSeries", .help = "glob of series to look at"),
	MU_OPT_STRING(struct config, watch_kind, .name = "WatchKind", .help = "glob of kinds to look at"),
	MU_OPT_END
};
