/* Recurring times by libical, for the suite beside this: one question a line in, one line out, in the same order.
 *
 * In, between tabs: `walk`, zone, DTSTART, RRULE, from, to (wall clock), 1 to leap to `from`
 *               or: `event`, from, to (seconds since 1970), an iCalendar object with `|` for its line ends
 * Out: `walk`: WALL=SECONDS for each occurrence in [from, to), in UTC only WALL, or `error TEXT`
 *      `event`: the starts in seconds, over all the components of the object
 */
#define _DEFAULT_SOURCE
#include <libical/ical.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* libical looks for the next occurrence up to the year 20582, second by second where the rule is of seconds.
 * After 30 ms of that the program ends with 3: the next question is for another run. */
static const struct itimerval patience = {.it_value = {.tv_usec = 30000}};

static void give_up(int signal)
{
    (void)signal;
    _exit(3);
}

static icaltimezone *zone_of(const char *name)
{
    return strcmp(name, "UTC") ? icaltimezone_get_builtin_timezone(name) : icaltimezone_get_utc_timezone();
}

static void walk(char **part)
{
    icaltimezone *zone = zone_of(part[1]);
    struct icaltimetype start = icaltime_from_string(part[2]), from = icaltime_from_string(part[4]), to = icaltime_from_string(part[5]);
    struct icalrecurrencetype rule = icalrecurrencetype_from_string(part[3]);
    int leap = atoi(part[6]), found = 0;

    if (!zone || icaltime_is_null_time(start) || rule.freq == ICAL_NO_RECURRENCE) {
        printf("error %s", zone ? icalerror_strerror(icalerrno) : "no such zone");
        return;
    }
    start = icaltime_set_timezone(&start, zone);
    icalrecur_iterator *iterator = icalrecur_iterator_new(rule, start);
    if (!iterator) {
        printf("error %s", icalerror_strerror(icalerrno));
        return;
    }
    /* A far window is reached by libical's own leap, which it does not offer together with COUNT. */
    from = icaltime_set_timezone(&from, zone);
    if (leap && rule.count == 0 && icaltime_compare(from, start) > 0 && !icalrecur_iterator_set_start(iterator, from)) {
        printf("error set_start %s", icalerror_strerror(icalerrno));
        icalrecur_iterator_free(iterator);
        return;
    }
    for (;;) {
        setitimer(ITIMER_VIRTUAL, &patience, NULL);
        struct icaltimetype next = icalrecur_iterator_next(iterator);
        if (icaltime_is_null_time(next) || icaltime_compare_date_only(next, to) > 0) {
            break;
        }
        char wall[20];
        snprintf(wall, sizeof wall, "%04d%02d%02dT%02d%02d%02d", next.year, next.month, next.day, next.hour, next.minute, next.second);
        if (strcmp(wall, part[4]) >= 0 && strcmp(wall, part[5]) < 0) {
            printf("%s%s", found++ ? " " : "", wall);
            if (zone != icaltimezone_get_utc_timezone()) {
                printf("=%lld", (long long)icaltime_as_timet_with_zone(next, zone));
            }
        }
    }
    icalrecur_iterator_free(iterator);
}

/* libical gives the occurrences of each component alone: whoever asks leaves out those that another component replaces. */
static void print_start(icalcomponent *event, struct icaltime_span *span, void *found)
{
    icalcompiter other = icalcomponent_begin_component(icalcomponent_get_parent(event), ICAL_VEVENT_COMPONENT);
    int itself_moved = icalcomponent_count_properties(event, ICAL_RECURRENCEID_PROPERTY);

    for (icalcomponent *one = icalcompiter_deref(&other); one && !itself_moved; one = icalcompiter_next(&other)) {
        icalproperty *of = icalcomponent_get_first_property(one, ICAL_RECURRENCEID_PROPERTY);
        if (of) {
            struct icaltimetype at = icalproperty_get_datetime_with_component(of, one);
            if (icaltime_as_timet_with_zone(at, icaltime_get_timezone(at)) == span->start) {
                return;
            }
        }
    }
    printf("%s%lld", (*(long *)found)++ ? " " : "", (long long)span->start);
}

static void event(char **part)
{
    struct icaltimetype from = icaltime_from_timet_with_zone(atoll(part[1]), 0, icaltimezone_get_utc_timezone());
    struct icaltimetype to = icaltime_from_timet_with_zone(atoll(part[2]), 0, icaltimezone_get_utc_timezone());
    long found = 0;

    for (char *at = part[3]; *at; at++) {
        *at = *at == '|' ? '\n' : *at;
    }
    icalcomponent *calendar = icalparser_parse_string(part[3]);
    if (!calendar || icalcomponent_count_errors(calendar)) {
        printf("error %s", calendar ? icalcomponent_as_ical_string(calendar) : "unreadable");
        return;
    }
    icalcompiter each = icalcomponent_begin_component(calendar, ICAL_VEVENT_COMPONENT);
    for (icalcomponent *one = icalcompiter_deref(&each); one; one = icalcompiter_next(&each)) {
        icalcomponent_foreach_recurrence(one, from, to, print_start, &found);
    }
    icalcomponent_free(calendar);
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;

    signal(SIGVTALRM, give_up);
    icalerror_set_errors_are_fatal(0);
    icaltimezone_set_builtin_tzdata(0);
    icaltimezone_set_tzid_prefix("");
    if (icaltimezone_get_builtin_timezones()->num_elements == 0) {
        fputs("libical finds no zones: Debian's tzdata is missing\n", stderr);
        return 1;
    }
    while (getline(&line, &size, stdin) > 0) {
        char *part[8] = {0};
        int parts = 0;
        setitimer(ITIMER_VIRTUAL, &patience, NULL);
        line[strcspn(line, "\n")] = 0;
        for (char *at = line; at && parts < 8;) {
            part[parts++] = strsep(&at, "\t");
        }
        icalerror_clear_errno();
        if (!strcmp(line, "walk") && parts == 7) {
            walk(part);
        } else if (!strcmp(line, "event") && parts == 4) {
            event(part);
        } else {
            printf("error no question");
        }
        putchar('\n');
        fflush(stdout);
    }
    free(line);
    return 0;
}
