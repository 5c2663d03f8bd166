# Sets MSGID_LIBMILTER to the target that brings libmilter: msgid-transport, or msgid-libmilter-alone.
#
# src/milter/transport.cpp knows the insides of libmilter. It is used with a library that it was read against (interface
# version 1.0.1, sendmail 8.14 to 8.18) and that has what it takes hold of; with any other the shared one is linked.
set(MSGID_LIBMILTER msgid-libmilter-alone)
if(MSGID_TRANSPORT)
  find_library(MILTER_STATIC_LIBRARY NAMES libmilter.a)
  file(STRINGS ${MILTER_INCLUDE}/libmilter/mfapi.h version REGEX "define SMFI_VERSION[ \t]+0x01000001")
  set(symbols "")
  if(MILTER_STATIC_LIBRARY)
    execute_process(COMMAND ${CMAKE_NM} -g ${MILTER_STATIC_LIBRARY} OUTPUT_VARIABLE symbols ERROR_QUIET)
  endif()
  # Which poll() it calls is not all the same: one built with select() would never come to ours.
  if(version AND symbols MATCHES " T mi_engine" AND symbols MATCHES " T mi_clr_ctx" AND symbols MATCHES " U (__)?poll")
    set(MSGID_LIBMILTER msgid-transport)
    if(NOT symbols MATCHES " T mi_start_session")
      message(STATUS "libmilter has no pool of threads: only its socket calls are wrapped")
    endif()
  else()
    message(WARNING "No static libmilter 1.0.1 with poll() is here, so the service will be slower, "
                    "and has neither max-sessions nor socket activation (Debian: libmilter-dev has it)")
  endif()
endif()
