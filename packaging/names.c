/* Linked into the static program by packaging/build.
 *
 * The GNU C Library looks names up by modules that /etc/nsswitch.conf names, and loads those of the machine, also into a
 * static program. They fit their own version of the library and no other: any other one ends the program at its first
 * look-up. So names are looked up by what is linked in, whatever that file says: /etc/hosts, and then DNS. */

#include <features.h>

#ifdef __GLIBC__
extern int __nss_configure_lookup(const char *database, const char *modules);

__attribute__((constructor)) static void look_up_by_what_is_linked_in(void) {
    __nss_configure_lookup("hosts", "files dns");
    __nss_configure_lookup("passwd", "files");
    __nss_configure_lookup("group", "files");
    __nss_configure_lookup("services", "files");
}
#endif
