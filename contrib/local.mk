EXTRA_DIST += contrib/check contrib/quickstart contrib/lib.sh contrib/abi contrib/chroot contrib/machine \
	core/abi/muster.abi .ci/run \
	contrib/plugin-template/Makefile contrib/plugin-template/README.md contrib/plugin-template/template.c \
	contrib/plugin-template/template.conf
include contrib/bench/local.mk
