/* loader_elf: what can be known of a plugin's file before any of it runs.
 *
 * dlopen(3) believes the headers and maps what they say: a file that was cut short by a full disk or a copy
 * under way ends in SIGBUS. So the headers are held against the size of the file first. And aliases are read
 * from the file itself, because a plugin that is only asked for its name should not be loaded for it.
 * Source: elf(5), System V ABI chapters 4 and 5. */
#include "loader_parts.h"

#include "base/check.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__i386__)
#define MACHINE EM_386
#elif defined(__arm__)
#define MACHINE EM_ARM
#elif defined(__riscv)
#define MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define MACHINE EM_PPC64
#elif defined(__s390x__)
#define MACHINE EM_S390
#else
#define MACHINE EM_NONE /* not known: any will do, dlopen decides */
#endif

#define CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)
#define ORDER (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

typedef ElfW(Ehdr) elf_header;
typedef ElfW(Phdr) elf_segment;
typedef ElfW(Shdr) elf_section;
typedef ElfW(Sym) elf_symbol;
typedef ElfW(Rela) elf_reloc;

static int not_elf(struct mu_error *error, const char *what)
{
	mu_error(error, -ENOEXEC, "%s", what);
	mu_error_remedy(error, "build the plugin for this machine, as a shared object");
	return -ENOEXEC;
}

static int cut_short(struct mu_error *error, const char *what)
{
	mu_error(error, -ENOEXEC, "the file is cut short: its %s lie behind its end", what);
	mu_error_remedy(error, "install the plugin again; was the disk full?");
	return -ENOEXEC;
}

/* [at, at + count * each) within `size`? Without overflow. */
static bool within(uint64_t at, uint64_t count, uint64_t each, uint64_t size)
{
	uint64_t bytes, end;

	return !__builtin_mul_overflow(count, each, &bytes) && !__builtin_add_overflow(at, bytes, &end) &&
	       end <= size;
}

static int check_header(const elf_header *header, size_t length, struct mu_error *error)
{
	c_assert(header);
	if (length < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return not_elf(error, "the file is no ELF file");
	if (header->e_ident[EI_CLASS] != CLASS || header->e_ident[EI_DATA] != ORDER ||
	    header->e_ident[EI_VERSION] != EV_CURRENT || (MACHINE != EM_NONE && header->e_machine != MACHINE))
		return not_elf(error, "the file is made for another machine");
	if (header->e_type != ET_DYN)
		return not_elf(error, "the file is ELF, but no shared object");
	if (header->e_phnum == 0 || header->e_phentsize != sizeof(elf_segment))
		return not_elf(error, "the file has no program headers");
	if (header->e_shnum && header->e_shentsize != sizeof(elf_section))
		return not_elf(error, "the file's section headers have a size of their own");
	return 0;
}

int loader_check_elf(const unsigned char *head, size_t length, uint64_t file_size, struct mu_error *error)
{
	elf_header header = { 0 };
	bool loads = false, dynamic = false;

	c_assert(head || length == 0);
	c_assert(length <= file_size);
	memcpy(&header, head, length < sizeof(header) ? length : sizeof(header));
	int r = check_header(&header, length, error);
	if (r < 0)
		return r;
	if (!within(header.e_phoff, header.e_phnum, sizeof(elf_segment), file_size))
		return cut_short(error, "program headers");
	if (header.e_shoff && !within(header.e_shoff, header.e_shnum, sizeof(elf_section), file_size))
		return cut_short(error, "section headers");
	if (!within(header.e_phoff, header.e_phnum, sizeof(elf_segment), length))
		return not_elf(error, "the file's program headers are not at its start");
	for (size_t i = 0; i < header.e_phnum; i++) {
		elf_segment segment;
		memcpy(&segment, head + header.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type != PT_LOAD && segment.p_type != PT_DYNAMIC)
			continue;
		if (!within(segment.p_offset, segment.p_filesz, 1, file_size) ||
		    segment.p_filesz > segment.p_memsz)
			return cut_short(error, "segments");
		loads |= segment.p_type == PT_LOAD;
		dynamic |= segment.p_type == PT_DYNAMIC;
	}
	return loads && dynamic ? 0 : not_elf(error, "the file is a shared object with nothing to load");
}

/* ---- a text behind a symbol ---- */

struct image {
	const unsigned char *bytes;
	size_t size;
	elf_header header;
};

static bool image_segment(const struct image *image, size_t index, elf_segment *out)
{
	c_assert(index < image->header.e_phnum);
	memcpy(out, image->bytes + image->header.e_phoff + index * sizeof(*out), sizeof(*out));
	return out->p_type == PT_LOAD;
}

/* Bytes of the file that stand at an address once it is loaded: NULL when there are not `length` of them. */
static const unsigned char *image_at(const struct image *image, uint64_t address, uint64_t length)
{
	c_assert(length > 0);
	for (size_t i = 0; i < image->header.e_phnum; i++) {
		elf_segment segment;
		if (!image_segment(image, i, &segment) || address < segment.p_vaddr)
			continue;
		uint64_t in = address - segment.p_vaddr;
		if (within(in, length, 1, segment.p_filesz))
			return image->bytes + segment.p_offset + in;
	}
	return NULL;
}

static bool image_section(const struct image *image, size_t index, elf_section *out)
{
	if (index >= image->header.e_shnum)
		return false;
	memcpy(out, image->bytes + image->header.e_shoff + index * sizeof(*out), sizeof(*out));
	return out->sh_type != SHT_NOBITS && within(out->sh_offset, out->sh_size, 1, image->size);
}

/* A text that ends within `room` bytes. */
static const char *ended_text(const unsigned char *at, uint64_t room)
{
	return at && memchr(at, '\0', room) ? (const char *)at : NULL;
}

static bool find_symbol(const struct image *image, const char *name, uint64_t *address)
{
	c_assert(name && address);
	for (size_t i = 0; i < image->header.e_shnum; i++) {
		elf_section symbols, names;
		if (!image_section(image, i, &symbols) || symbols.sh_type != SHT_DYNSYM ||
		    !image_section(image, symbols.sh_link, &names))
			continue;
		for (uint64_t at = 0; at + sizeof(elf_symbol) <= symbols.sh_size; at += sizeof(elf_symbol)) {
			elf_symbol symbol;
			memcpy(&symbol, image->bytes + symbols.sh_offset + at, sizeof(symbol));
			if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= names.sh_size)
				continue;
			const char *is = ended_text(image->bytes + names.sh_offset + symbol.st_name,
						    names.sh_size - symbol.st_name);
			if (is && strcmp(is, name) == 0) {
				*address = symbol.st_value;
				return true;
			}
		}
	}
	return false;
}

/* The pointer at `address`, as the dynamic linker will have set it relative to the load address. */
static uint64_t follow(const struct image *image, uint64_t address)
{
	uintptr_t in_place = 0;

	for (size_t i = 0; i < image->header.e_shnum; i++) {
		elf_section section;
		if (!image_section(image, i, &section) || section.sh_type != SHT_RELA)
			continue;
		for (uint64_t at = 0; at + sizeof(elf_reloc) <= section.sh_size; at += sizeof(elf_reloc)) {
			elf_reloc reloc;
			memcpy(&reloc, image->bytes + section.sh_offset + at, sizeof(reloc));
			if (reloc.r_offset == address)
				return (uint64_t)reloc.r_addend;
		}
	}
	/* packed or REL relocations keep the addend where the pointer goes */
	const unsigned char *at = image_at(image, address, sizeof(in_place));
	if (at)
		memcpy(&in_place, at, sizeof(in_place));
	return in_place;
}

const char *loader_elf_text(const unsigned char *bytes, size_t size, const char *name, size_t offset)
{
	struct image image = { .bytes = bytes, .size = size };
	uint64_t address;

	c_assert(bytes && name);
	if (loader_check_elf(bytes, size, size, NULL) < 0)
		return NULL;
	memcpy(&image.header, bytes, sizeof(image.header));
	if (image.header.e_shoff == 0)
		image.header.e_shnum = 0;
	if (!find_symbol(&image, name, &address) || __builtin_add_overflow(address, offset, &address))
		return NULL;
	uint64_t target = follow(&image, address);
	const unsigned char *at = target ? image_at(&image, target, 1) : NULL;
	return at ? ended_text(at, (uint64_t)(bytes + size - at)) : NULL;
}
