dnl Flags are asked for one by one: a compiler that does not know one builds without it.

dnl MU_CFLAG(VARIABLE, FLAG): appends FLAG to VARIABLE when the compiler takes it without a word.
AC_DEFUN([MU_CFLAG], [
	AS_VAR_PUSHDEF([known], [mu_cv_cflag_$2])
	AC_CACHE_CHECK([whether $CC takes $2], [known], [
		mu_saved=$CFLAGS
		CFLAGS="$CFLAGS -Werror $2"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([known], [yes])], [AS_VAR_SET([known], [no])])
		CFLAGS=$mu_saved
	])
	AS_VAR_IF([known], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([known])
])

dnl MU_CFLAGS(VARIABLE, FLAGS): the same for each of a blank-separated list.
AC_DEFUN([MU_CFLAGS], [m4_foreach_w([mu_flag], [$2], [MU_CFLAG([$1], m4_defn([mu_flag]))])])

dnl MU_LDFLAG(VARIABLE, FLAG): the same for the linker.
AC_DEFUN([MU_LDFLAG], [
	AS_VAR_PUSHDEF([known], [mu_cv_ldflag_$2])
	AC_CACHE_CHECK([whether the linker takes $2], [known], [
		mu_saved=$LDFLAGS
		LDFLAGS="$LDFLAGS -Werror $2"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([known], [yes])], [AS_VAR_SET([known], [no])])
		LDFLAGS=$mu_saved
	])
	AS_VAR_IF([known], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([known])
])

dnl MU_ENABLE(NAME, HELP): --enable-NAME, off by default; leaves yes or no in mu_NAME.
AC_DEFUN([MU_ENABLE], [
	AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])],
		[AS_CASE([$enableval], [yes|no], [], [AC_MSG_ERROR([--enable-$1 takes no argument])])
		 mu_$1=$enableval], [mu_$1=no])
])
