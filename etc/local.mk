# The configuration that is installed, once: one that is there already is the user's.
EXTRA_DIST += etc/musterd.conf.in
CLEANFILES += etc/musterd.conf
noinst_DATA = etc/musterd.conf
confdir = $(sysconfdir)/muster/conf.d
dist_conf_DATA = etc/conf.d/README
dist_pkgdata_DATA += etc/types.db

etc/musterd.conf: $(srcdir)/etc/musterd.conf.in Makefile
	@$(MKDIR_P) etc
	$(AM_V_GEN)$(SED) -e 's|@localstatedir[@]|$(localstatedir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		-e 's|@plugindir[@]|$(plugindir)|g' -e 's|@pkgdatadir[@]|$(pkgdatadir)|g' \
		$(srcdir)/etc/musterd.conf.in >$@

install-data-hook: etc/musterd.conf
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/muster'
	@test -e '$(DESTDIR)$(sysconfdir)/muster/musterd.conf' || \
		$(INSTALL_DATA) etc/musterd.conf '$(DESTDIR)$(sysconfdir)/muster/musterd.conf'

# An uninstall takes only what nobody has changed.
uninstall-hook: etc/musterd.conf
	@if cmp -s etc/musterd.conf '$(DESTDIR)$(sysconfdir)/muster/musterd.conf'; then \
		rm -f '$(DESTDIR)$(sysconfdir)/muster/musterd.conf'; fi
