// SPDX-License-Identifier: Apache-2.0

internal import CSystem

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// State behind a lock, with a condition to wait on: the bounded queues of the services are built on it.
///
/// Bodies are short and take no other lock. Waiting threads must be the services' own: Swift's cooperative pool starves.
package final class Monitor<State>: @unchecked Sendable {
    // Sendable because `state` is only touched with `mutex` held.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    package init(_ state: State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        precondition(pthread_mutex_init(mutex, nil) == 0, "no mutex")
        precondition(pthread_cond_init(condition, &attributes) == 0, "no condition")
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Looks at the state or changes it in a way nobody waits for.
    package func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Changes the state and wakes all who wait.
    package func update<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
        }
        return try body(&state)
    }

    /// Waits until `body` gives a value: it is asked at once and after every `update`.
    ///
    /// What it changes wakes the others.
    ///
    /// - Parameter timeoutMilliseconds: nil waits for ever; 0 asks once.
    /// - Returns: nil when `timeoutMilliseconds` passed first; never without a time-out.
    @discardableResult
    package func wait<Result>(
        timeoutMilliseconds: Int? = nil,
        _ body: (inout State) throws -> Result?
    ) rethrows -> Result? {
        var deadline = timespec()
        if let timeoutMilliseconds {
            clock_gettime(CLOCK_MONOTONIC, &deadline)
            let nanoseconds = deadline.tv_nsec + (timeoutMilliseconds % 1000) * 1_000_000
            deadline.tv_sec += timeoutMilliseconds / 1000 + nanoseconds / 1_000_000_000
            deadline.tv_nsec = nanoseconds % 1_000_000_000
        }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = try body(&state) {
                pthread_cond_broadcast(condition)
                return result
            }
            if let timeoutMilliseconds, timeoutMilliseconds <= 0 { return nil }
            if timeoutMilliseconds == nil {
                pthread_cond_wait(condition, mutex)
            } else if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT {
                return try body(&state)
            }
        }
    }
}

/// A thread of our own, for blocking work.
package final class ServiceThread: @unchecked Sendable {
    // Sendable because `thread` is set once, before the object is handed out.
    private var thread = pthread_t()

    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private static let runStart: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
        cs_name_thread(start.name)
        start.body()
        return nil
    }

    /// Starts a thread that runs `body` once.
    ///
    /// - Parameter name: Shown by debuggers; the system keeps 15 bytes.
    package init(name: String, stackBytes: Int = 2 << 20, _ body: @escaping @Sendable () -> Void) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, stackBytes)
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let status = pthread_create(
            &thread,
            &attributes,
            Self.runStart,
            start.toOpaque()
        )
        pthread_attr_destroy(&attributes)
        precondition(status == 0, "the system refuses another thread")
    }

    /// Starts a thread that nobody joins, for work whose number isn't known beforehand, such as connections.
    ///
    /// - Returns: False when the system refuses another thread; `body` doesn't run then.
    package static func startDetached(name: String, stackBytes: Int, _ body: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        guard pthread_create(&thread, &attributes, runStart, start.toOpaque()) == 0 else {
            start.release()
            return false
        }
        return true
    }

    /// Waits for the body's end.
    ///
    /// To be called once.
    package func join() {
        pthread_join(thread, nil)
    }
}
