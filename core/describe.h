/* describe: every table as JSON: for --describe, REST, musterctl, completion, the manual. Main loop.
 *
 * {"version","abi":"0.1","host","globals":[rows],"plugins":[{"name","about","aliases","options":[rows],"counters":[…],"routes":[…]}],
 *  "kinds":[{"name","plural","aliases":[…],"help","plugin","served","title","reason","since","parent","columns":[…],
 *            "attrs":[{"name","type","flags":["editable"…],"min","max","unit","label","help","kind","choices"}],
 *            "states":[{"name","tone","sentence"}],
 *            "commands":[{"name","title","help","role","effect","on_kind","id_optional","bulk","dry_run","long","stream","deadline",
 *                         "args":[rows]}]}]}
 * Tones, roles and effects by their names: "fail" …, "viewer" …, "look" …. */
#ifndef CORE_DESCRIBE_H
#define CORE_DESCRIBE_H

#include <jansson.h>
#include <stdint.h>

json_t *describe_all(void);   /* of the running daemon: kinds and commands as registered */
struct mu_plugin;
json_t *describe_plugin(const struct mu_plugin *plugin); /* one plugin's tables, whether it runs or not */
const char *describe_role(uint32_t role);
const char *describe_effect(uint32_t effect);
const char *describe_tone(uint32_t tone);

#endif
