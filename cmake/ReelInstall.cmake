# cmake --install puts the headers under include/reel and a package for find_package(reel) beside
# the library.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(REEL_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/reel)

install(TARGETS reel EXPORT reelTargets)
install(EXPORT reelTargets NAMESPACE reel:: DESTINATION ${REEL_CMAKE_DIR})

install(CODE "
  set(REEL_SOURCE \"${CMAKE_CURRENT_SOURCE_DIR}\")
  set(REEL_INCLUDE_DIR \"${CMAKE_INSTALL_INCLUDEDIR}/reel\")")
install(SCRIPT cmake/install_headers.cmake)

configure_package_config_file(cmake/reelConfig.cmake.in reelConfig.cmake
                              INSTALL_DESTINATION ${REEL_CMAKE_DIR})
write_basic_package_version_file(reelConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/reelConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/reelConfigVersion.cmake
              cmake/FindCBLAS.cmake
        DESTINATION ${REEL_CMAKE_DIR})
