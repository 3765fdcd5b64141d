# Completion of musterctl for bash: the daemon itself says what could come next.
# Install it as share/bash-completion/completions/musterctl, or source it.

_musterctl()
{
	local IFS=$' \t\n' cur before i
	local -a words ours=() found

	# COMP_WORDS breaks at "=" and ":", which are parts of our words: split the line anew.
	read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
	[[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=("")
	cur=${words[-1]}
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		case ${words[i]} in
		--socket=*) ours=("${words[i]}") ;;
		--socket) ours=(--socket "${words[i + 1]}") ;;
		esac
	done
	case ${words[-2]} in
	--socket)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--timeout)
		return
		;;
	esac
	mapfile -t found < <("${words[0]}" "${ours[@]}" complete -- "${words[@]:1}" 2>/dev/null)
	# bash puts the answer in place of what comes behind the last break only
	before=${cur%"${cur##*[=:]}"}
	COMPREPLY=("${found[@]#"$before"}")
	[[ ${#found[@]} -eq 1 && ${found[0]} == *[=~] ]] && compopt -o nospace
}

complete -F _musterctl musterctl
