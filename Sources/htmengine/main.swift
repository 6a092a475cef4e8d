// SPDX-License-Identifier: Apache-2.0

import EngineCLI
import Foundation

exit(EngineCLI.main())
