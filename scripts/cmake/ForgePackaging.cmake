# SPDX-License-Identifier: AGPL-3.0-only
# cmake --install: programs, units, completion, documents. cpack -G DEB: the same below /usr.
include(GNUInstallDirs)
set(forge_packaging ${CMAKE_SOURCE_DIR}/scripts/packaging)

install(TARGETS forge RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(PROGRAMS $<TARGET_FILE:bench> DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME forge-bench) # `bench` alone is anybody's
# CMake strips targets only, not a file under another name.
install(CODE "if(CMAKE_INSTALL_DO_STRIP)
  execute_process(COMMAND \"${CMAKE_STRIP}\" \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/forge-bench\" COMMAND_ERROR_IS_FATAL ANY)
endif()")
# Not LIBDIR: systemd looks below lib, whatever the architecture.
install(FILES ${forge_packaging}/user/metalforge-node.service DESTINATION lib/systemd/user)
install(FILES ${forge_packaging}/system/metalforge-node.service DESTINATION lib/systemd/system)
install(FILES ${forge_packaging}/forge.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME forge)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(DIRECTORY ${CMAKE_SOURCE_DIR}/apps/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples FILES_MATCHING PATTERN "*.toml")
install(FILES ${forge_packaging}/copyright ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME metalforge)
set(CPACK_PACKAGE_VENDOR metalforge)
set(CPACK_PACKAGE_CONTACT "metalforge maintainers <maintainers@metalforge.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "lattice gauge theory campaigns on all devices of a cluster")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Markov chains of SU(3) lattice gauge theory on every OpenCL device of one or several machines,
 with checkpoints, a ledger of every trajectory, and migration between devices and machines.")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "pocl-opencl-icd | opencl-icd")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "gnuplot, bash-completion")
find_program(FORGE_SHLIBDEPS dpkg-shlibdeps)
mark_as_advanced(FORGE_SHLIBDEPS)
if(FORGE_SHLIBDEPS)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
endif()
include(CPack)
