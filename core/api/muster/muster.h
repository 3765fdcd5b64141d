/* muster/muster.h: all of the plugin ABI. */
#ifndef MUSTER_MUSTER_H
#define MUSTER_MUSTER_H

#include <muster/base.h>
#include <muster/child.h>
#include <muster/command.h>
#include <muster/counter.h>
#include <muster/event.h>
#include <muster/http.h>
#include <muster/kind.h>
#include <muster/loop.h>
#include <muster/option.h>
#include <muster/plugin.h>
#include <muster/store.h>
#include <muster/value.h>

#endif
