# The client of the control socket. It links the tools alone: it knows the daemon by its socket only.
bin_PROGRAMS += musterctl/musterctl
musterctl_musterctl_CPPFLAGS = $(BASE_CPPFLAGS) $(PLACES) -iquote $(srcdir)/musterctl
musterctl_musterctl_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
musterctl_musterctl_LDFLAGS = $(MUSTER_LDFLAGS) $(PIE_LDFLAGS)
musterctl_musterctl_LDADD = core/base/libbase.la $(JANSSON_LIBS)
musterctl_musterctl_SOURCES = \
	musterctl/complete.c musterctl/complete.h musterctl/connection.c musterctl/connection.h \
	musterctl/help.c musterctl/help.h musterctl/musterctl.c musterctl/options.c musterctl/options.h \
	musterctl/print.c musterctl/print.h musterctl/tables.c musterctl/tables.h musterctl/value.c \
	musterctl/value.h

# Completion comes with the command, and is looked for by its name.
EXTRA_DIST += contrib/completion/musterctl.bash
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(bashcompletiondir)'
	$(INSTALL_DATA) $(srcdir)/contrib/completion/musterctl.bash '$(DESTDIR)$(bashcompletiondir)/musterctl'
