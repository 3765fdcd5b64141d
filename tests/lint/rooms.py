#!/usr/bin/env python3
"""rooms.py [TOP]: the rules of the house that a compiler does not know.

One line a rule, "ok" or "not ok"; each breach is a sentence with file and line. Exits 1 when a rule is broken.
Warnings do not count. Comments and strings are taken out before code is looked at.
"""
import glob
import os
import re
import sys

TOP = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("srcdir", "."))

# Each library has one home: header → rooms that may include it.
HOMES = {
    "rrd.h": ("rrd/",), "rrd_client.h": ("rrd/",),
    "curl/": ("plugins/instance-crawler/", "plugins/notify/"),
    "maxminddb.h": ("plugins/instance-crawler/",),
    "libssh2.h": ("plugins/scm-backup/",), "libssh2_sftp.h": ("plugins/scm-backup/",),
    "openssl/": ("plugins/realtime-push/",),
    "argon2.h": ("core/",),
    "sqlite3.h": ("core/", "plugins/"),
    "uv.h": ("core/", "plugins/", "rrd/"),
    "zlib.h": ("core/", "plugins/", "rrd/"),
    "jansson.h": ("core/", "plugins/", "rrd/", "musterctl/"),
    "cmocka.h": (),
    "dlfcn.h": ("core/",),
}
FORBIDDEN = ["strcpy", "strcat", "sprintf", "vsprintf", "strtok", "atoi", "atol", "atof", "gets", "system", "alloca"]
FORBIDDEN_IN_PLUGINS = [r"uv_timer_\w+", "uv_now", "uv_hrtime", "uv_spawn", "uv_queue_work", "uv_signal_\\w+", "time", "fork",
                        "pthread_create", "dlopen"]
FILE_LINES = 500
FUNCTION_LINES = 80
LINE_COLUMNS = 130  # of code; the aim is 110, and this is the ceiling


def files(*patterns):
    found = []
    for pattern in patterns:
        found += glob.glob(os.path.join(TOP, pattern), recursive=True)
    return sorted(os.path.relpath(f, TOP) for f in found)


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8", errors="replace") as text:
        return text.read()


def is_test(path):
    return path.startswith("tests/") or os.path.basename(path).startswith(("test_", "fuzz_", "fake_"))


def code_only(text):
    """Comments and the insides of strings are blanked; lines stay where they are."""
    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[-1]
        return re.sub(r"[^\n]", " ", found)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


SOURCES = files("core/**/*.[ch]", "musterctl/**/*.[ch]", "plugins/**/*.[ch]", "rrd/**/*.[ch]")
ROOMS = [f for f in SOURCES if not is_test(f)]
TEST_CODE = [f for f in SOURCES if is_test(f)] + files("tests/**/*.[ch]")
CODE = {f: code_only(read(f)) for f in SOURCES + files("tests/**/*.[ch]")}


def room_of(path):
    """The folder whose rules hold: "core/base/", "core/api/", "core/", "musterctl/", "plugins/cpu/", "rrd/graph/" …"""
    for room in ("core/base/", "core/api/", "core/shepherd/", "rrd/graph/"):
        if path.startswith(room):
            return room
    if path.startswith("plugins/"):
        return "/".join(path.split("/")[:2]) + "/"
    return path.split("/")[0] + "/"


def quoted_allowed(room, name):
    def own(folder):
        return os.path.exists(os.path.join(TOP, folder, name))
    if ".." in name.split("/"):
        return False
    if room == "core/base/":
        return name.startswith("base/") and own("core")
    if room == "core/api/":
        return False
    if room == "core/":
        return own("core")
    if room == "musterctl/":
        return own("musterctl") or (name.startswith("base/") and own("core"))
    return own(room)


def angled_allowed(path, room, name):
    if name.startswith("muster/"):
        return room not in ("core/base/", "core/shepherd/", "musterctl/", "rrd/graph/")
    for header, homes in HOMES.items():
        if name == header or (header.endswith("/") and name.startswith(header)):
            if room in ("core/base/", "core/api/", "musterctl/"):
                return header == "jansson.h" or (header == "dlfcn.h" and room != "core/api/")
            return path.startswith(homes)
    return True


def rule_includes():
    for path in ROOMS:
        room = room_of(path)
        for number, line in enumerate(read(path).split("\n"), 1):
            found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if not found:
                continue
            name = found.group(2)
            if found.group(1) == '"' and not quoted_allowed(room, name):
                yield f'{path}:{number}: {room} may not include "{name}"'
            elif found.group(1) == "<" and not angled_allowed(path, room, name):
                yield f"{path}:{number}: {room} may not include <{name}>: that has another home"


def calls(names, paths):
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
    for path in paths:
        for number, line in enumerate(CODE[path].split("\n"), 1):
            for found in pattern.finditer(line):
                yield f"{path}:{number}: {found.group(1)}() is not used here"


def rule_forbidden_calls():
    yield from calls(FORBIDDEN, ROOMS + TEST_CODE)


def rule_forbidden_in_plugins():
    yield from calls(FORBIDDEN_IN_PLUGINS, [f for f in ROOMS if f.startswith(("plugins/", "rrd/"))
                                            and not f.startswith("rrd/graph/")])


def functions(path):
    """(name, first line, lines) of each: a '{' in column 0 after a line that ends a parameter list."""
    lines = CODE[path].split("\n")
    start, name = None, ""
    for number, line in enumerate(lines):
        if start is None and line.startswith("{"):
            head = number - 1
            while head > 0 and (not lines[head] or lines[head][0] in "\t "):
                head -= 1
            found = re.search(r"(\w+)\s*\(", lines[head])
            if found and ")" in lines[number - 1]:
                start, name = number, found.group(1)
        elif start is not None and line.startswith("}"):
            yield name, start + 1, number - start - 1
            start = None


def rule_function_length():
    for path in ROOMS + TEST_CODE:
        if path.endswith(".c"):
            for name, line, length in functions(path):
                if length > FUNCTION_LINES:
                    yield f"{path}:{line}: {name}() has {length} lines, the ceiling is {FUNCTION_LINES}"


def rule_line_length():
    for path in SOURCES:
        for number, (line, code) in enumerate(zip(read(path).split("\n"), CODE[path].split("\n")), 1):
            columns = len(code.rstrip().expandtabs(8))
            if columns > LINE_COLUMNS:
                yield f"{path}:{number}: {columns} columns"
            if line != line.rstrip():
                yield f"{path}:{number}: blanks at the end of the line"


def rule_file_opening():
    for path in ROOMS:
        if not read(path).startswith("/*"):
            yield f"{path}:1: opens without saying what it is and the one idea behind it"


def rule_no_typedef_t():
    for path in ROOMS:
        for number, line in enumerate(CODE[path].split("\n"), 1):
            if re.match(r"\s*typedef\b.*\b\w+_t\s*;", line):
                yield f"{path}:{number}: no _t typedefs"


def rule_listed_in_local_mk():
    listed = " ".join(read(f) for f in files("**/local.mk", "**/*.mk") + ["Makefile.am"])
    words = set(re.split(r"[\s\\=]+", listed))
    for path in SOURCES + files("tests/unit/*.[ch]", "tests/fuzz/*.c", "tests/sketches/*.c", "tests/omni/*.c"):
        # A test program without _SOURCES of its own is listed by its name.
        if path not in words and path[:-2] not in words and not path.startswith("contrib/"):
            yield f"{path}: is in no local.mk, so it is not built and not in a release"


def proofs():
    """File → all that a features table may name of it: tests, rules of this lint, stages of contrib/check."""
    found = {}
    for path in TEST_CODE + files("tests/**/*.py", "contrib/check", "contrib/bench/*"):
        if path.endswith(".py"):
            pattern = r"^\s*def ((?:test|rule)_\w+)"
        elif path.endswith("check"):
            pattern = r"^(stage_\w+)\(\)"
        else:
            pattern = r"^(?:static |int |void )+(\w+)\("
        found.setdefault(os.path.basename(path), set()).update(re.findall(pattern, read(path), re.M))
    return found


def unproved(words, known):
    """`file`: `test`, `test`; `file`: `test` … → how many are named, and a sentence for each that does not exist."""
    count, wrong, file = 0, [], None
    for word in re.findall(r"`([^`\s]+)`", words):
        if re.fullmatch(r"[\w-]+\.(?:c|py)|check", word):
            file, count = word, count + 1
            if word not in known:
                wrong.append(f"there is no file of tests {word}")
        elif re.fullmatch(r"\w+", word):
            count += 1
            if file is None:
                wrong.append(f"{word} is named without its file")
            elif file in known and word not in known[file]:
                wrong.append(f"{file} has no {word}")
    return count, wrong


def rule_features_tables():
    known = proofs()
    for path in files("plugins/*/*.md", "rrd/*.md") + ["HACKING.md"]:
        rows, inside, heads = 0, 0, 0
        for number, line in enumerate(read(path).split("\n"), 1):
            head = re.match(r"(#+) (.*)", line)
            if head and (not inside or len(head.group(1)) <= inside):
                inside = len(head.group(1)) if re.search(r"\bfeatures\b", head.group(2), re.I) else 0
            if not inside or not line.startswith("|"):
                heads = 0
                continue
            heads += 1
            if heads <= 2:
                continue
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
            proof = cells[-1]
            if not proof and cells[0].startswith("**"):  # a title between rows
                continue
            rows += 1
            count, wrong = unproved(proof, known)
            if not count and not re.search(r"\b(missing|later|measured): \w", proof, re.I):
                yield f"{path}:{number}: names no test in `backticks`, and does not say why it is missing or later"
            for sentence in wrong:
                yield f"{path}:{number}: {sentence}"
        if rows == 0:
            yield f"{path}: has no features table"


def rule_locks_are_listed():
    """HACKING's table of locks and the mutexes of the core name the same files."""
    table = re.search(r"^## Locks\n(.*?)^## ", read("HACKING.md"), re.M | re.S)
    rows = re.findall(r"^\|[^|`]+\| *`([^`]+)`", table.group(1), re.M) if table else []
    holding = {}
    for path in ROOMS:
        if path.startswith("core/") and not path.startswith("core/api/"):
            # "pthread_mutex_t lock;" or "static pthread_mutex_t lock = …;": a pointer holds none.
            for number, line in enumerate(CODE[path].split("\n"), 1):
                if re.match(r"\s*(?:static\s+|extern\s+)*(?:pthread_(?:mutex|rwlock|spinlock)_t|mtx_t)\s+\w", line):
                    holding.setdefault(path, number)
    for path, number in holding.items():
        if path.removeprefix("core/") not in rows:
            yield f"{path}:{number}: a lock that HACKING.md, Locks, does not list"
    for name in rows:
        if f"core/{name}" not in holding:
            yield f"HACKING.md: lists a lock in {name}, which has none"


def rule_papers():
    """What everybody looks for at the top, and that CI runs check and nothing else."""
    for path in ("README.md", "README", "HACKING.md", "COPYING", ".clang-format", ".clang-tidy"):
        if not os.path.exists(os.path.join(TOP, path)):
            yield f"{path} is missing"
    if read("README") != read("README.md"):
        yield "README: is not README.md"
    if not read("COPYING").startswith("MIT License"):
        yield "COPYING:1: is not the MIT licence"
    commands = [line for line in read(".ci/run").split("\n") if line.strip() and not line.startswith("#")]
    if len(commands) != 1 or not re.match(r"exec \S*/contrib/check\b", commands[0].replace('"$(dirname "$0")', "")):
        yield ".ci/run: does something else than run contrib/check"
    for number, line in enumerate(read("contrib/check").split("\n"), 1):
        if re.search(r"\bbench\b", line) and not line.lstrip().startswith("#"):
            yield f"contrib/check:{number}: measurements are no part of check"


def rule_plugin_has_its_papers():
    for mk in files("plugins/*/local.mk"):
        folder = os.path.dirname(mk)
        name = os.path.basename(folder)
        for suffix in (".conf", ".md"):
            if not os.path.exists(os.path.join(TOP, folder, name + suffix)):
                yield f"{folder}/: has no {name}{suffix}"


def warn_long_files():
    for path in ROOMS:
        lines = read(path).count("\n")
        if lines > FILE_LINES:
            yield f"{path}: {lines} lines; is it one noun?"


def main():
    broken = 0
    for name, rule in sorted(globals().items()):
        if not name.startswith("rule_"):
            continue
        breaches = list(rule())
        broken += bool(breaches)
        print(f"{'not ok' if breaches else 'ok'} {name[5:].replace('_', ' ')}")
        for breach in breaches:
            print(f"    {breach}")
    for warning in warn_long_files():
        print(f"warning: {warning}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
