/** Where programs are looked for when nobody says otherwise, as container runtimes have it. */
export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
