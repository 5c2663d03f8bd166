# Sets MSGID_LIBMILTER to the target that brings libmilter: msgid-transport, or msgid-libmilter-alone.
#
# src/milter/transport.cpp knows the insides of libmilter. It is used with a library of a version that it was read
# against, and that makes the calls that it takes the place of and no others; with any other the shared one is linked.
set(MSGID_LIBMILTER_READ 8.17.1 8.18.1 8.18.2)
set(MSGID_LIBMILTER msgid-libmilter-alone)
if(MSGID_TRANSPORT)
  find_library(MILTER_STATIC_LIBRARY NAMES libmilter.a)
  # Debian's package says it. Who has built libmilter without, gives it. Not pkg_check_modules(), which would keep the
  # version of the first time.
  set(MSGID_LIBMILTER_VERSION "" CACHE STRING "The sendmail release that libmilter is of; empty: pkg-config says it")
  set(version "${MSGID_LIBMILTER_VERSION}")
  if(NOT version)
    execute_process(COMMAND ${PKG_CONFIG_EXECUTABLE} --modversion milter OUTPUT_VARIABLE version ERROR_QUIET
                    OUTPUT_STRIP_TRAILING_WHITESPACE)
  endif()
  string(REGEX MATCH "^[0-9]+\\.[0-9]+\\.[0-9]+" release "${version}")
  set(symbols "")
  if(MILTER_STATIC_LIBRARY)
    # Another library at this place is looked at anew.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${MILTER_STATIC_LIBRARY})
    execute_process(COMMAND ${CMAKE_NM} -g ${MILTER_STATIC_LIBRARY} OUTPUT_VARIABLE symbols ERROR_QUIET)
  endif()
  set(obstacle "")
  if(NOT MILTER_STATIC_LIBRARY)
    set(obstacle "there is no libmilter.a")
  elseif(NOT release IN_LIST MSGID_LIBMILTER_READ)
    set(obstacle "its version is '${version}', and only ${MSGID_LIBMILTER_READ} was read")
  endif()
  foreach(name " T mi_engine" " T mi_clr_ctx" " U accept" " U bind" " U close" " U listen" " U (poll|__poll_chk)"
          " U (read|__read_chk)" " U writev")
    if(NOT obstacle AND NOT symbols MATCHES "${name}\n")
      set(obstacle "it has no${name}")
    endif()
  endforeach()
  foreach(name accept4 epoll_wait ppoll readv recv recvfrom recvmsg select send sendmsg sendto)
    if(NOT obstacle AND symbols MATCHES " U (__)?${name}(_chk)?\n")
      set(obstacle "it calls ${name}()")
    endif()
  endforeach()
  if(obstacle)
    message(WARNING "The shared libmilter is linked, for of the static one ${obstacle}. The service will be slower, and has "
                    "neither max-sessions nor socket activation.")
  else()
    set(MSGID_LIBMILTER msgid-transport)
    if(NOT symbols MATCHES " T mi_start_session\n")
      message(STATUS "libmilter has no pool of threads: only its socket calls are wrapped")
    endif()
  endif()
endif()
