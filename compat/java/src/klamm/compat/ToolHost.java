package klamm.compat;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs many invocations of the stock tools in one JVM, because starting a JVM for each costs a second or two.
 *
 * A client (compat/java/bin/run-class) sends its process id, the main class and the arguments; the command then reads and
 * writes that process's own stdin, stdout and stderr through /proc. The answer is the exit code. The tools' classes are
 * loaded anew for each command, so that no static field outlives it; those of kafka-clients are shared.
 */
public final class ToolHost {
    private static final InheritableThreadLocal<Command> CURRENT = new InheritableThreadLocal<>();
    private static final Set<Command> RUNNING = ConcurrentHashMap.newKeySet();
    /** The JVM's own table of hooks; needs --add-opens java.base/java.lang=ALL-UNNAMED. */
    private static final Class<?> JVM_HOOKS_LOCK = jvmHooksClass();
    private static final Map<Thread, Thread> JVM_HOOKS = jvmHooks();
    private static final long FLUSH_EVERY_MS = 20;
    /** The descriptor at which run-class keeps its stdout; number 1 is the connection while it sends its request. */
    private static final int STDOUT_COPY = 8;

    private ToolHost() { }

    /** Thrown where a tool exits, so that its thread ends and the JVM does not. */
    private static final class Exited extends Error {
        private static final long serialVersionUID = 1;

        Exited() {
            super(null, null, false, false);
        }
    }

    /** Where System.out and System.err of the thread's own command go. */
    private static final class Routed extends OutputStream {
        private final boolean errors;
        private final OutputStream otherwise;

        Routed(boolean errors, OutputStream otherwise) {
            this.errors = errors;
            this.otherwise = otherwise;
        }

        private OutputStream target() {
            Command command = CURRENT.get();
            return command == null ? otherwise : errors ? command.err : command.out;
        }

        @Override public void write(int b) {
            write(new byte[] {(byte) b}, 0, 1);
        }

        /** A broken pipe is kept from the shared PrintStream, which would show it to all commands to come. */
        @Override public void write(byte[] bytes, int from, int length) {
            try {
                target().write(bytes, from, length);
            } catch (IOException ignored) {
                // The reader of this command's output has gone.
            }
        }
    }

    /** What System.in is: the thread's own command's stdin, opened when first read. */
    private static final class RoutedInput extends InputStream {
        @Override public int read() throws IOException {
            return CURRENT.get().in().read();
        }

        @Override public int read(byte[] bytes, int from, int length) throws IOException {
            return CURRENT.get().in().read(bytes, from, length);
        }

        @Override public int available() throws IOException {
            return CURRENT.get().in().available();
        }
    }

    /** A buffered stream that forgets what is written after its command has exited. */
    private static final class Output extends BufferedOutputStream {
        private boolean closed;

        Output(String path) throws IOException {
            super(new FileOutputStream(path, true), 1 << 16);
        }

        @Override public synchronized void write(int b) throws IOException {
            if (!closed) super.write(b);
        }

        @Override public synchronized void write(byte[] bytes, int from, int length) throws IOException {
            if (!closed) super.write(bytes, from, length);
        }

        @Override public synchronized void flush() throws IOException {
            if (!closed) super.flush();
        }

        @Override public synchronized void close() throws IOException {
            if (closed) return;
            super.flush();
            closed = true;
            out.close();
        }
    }

    private static final class Command {
        final Socket socket;
        final String mainClass;
        final String[] args;
        final String descriptors;
        final Output out;
        final Output err;
        final ClassLoader loader;
        private final List<Runnable> hooks = new ArrayList<>();
        private InputStream in;
        private boolean ended;
        private boolean hooksTaken;

        Command(Socket socket, String pid, String mainClass, String[] args, ClassLoader loader) throws IOException {
            this.loader = loader;
            this.socket = socket;
            this.mainClass = mainClass;
            this.args = args;
            this.descriptors = "/proc/" + pid + "/fd/";
            this.out = new Output(descriptors + STDOUT_COPY);
            this.err = new Output(descriptors + 2);
        }

        synchronized InputStream in() throws IOException {
            if (in == null) in = new FileInputStream(descriptors + 0);
            return in;
        }

        synchronized void addHook(Runnable hook) {
            hooks.add(hook);
        }

        /** What the JVM would do at its end. */
        void runHooks() {
            List<Runnable> taken;
            synchronized (this) {
                if (hooksTaken) return;
                hooksTaken = true;
                taken = new ArrayList<>(hooks);
            }
            taken.addAll(takeJvmHooks(loader));
            taken.forEach(Runnable::run);
        }

        void end(int code) {
            runHooks();
            synchronized (this) {
                if (ended) return;
                ended = true;
            }
            RUNNING.remove(this);
            try {
                out.close();
                err.close();
            } catch (IOException ignored) {
                // The reader of a pipe has gone, as with `| head`.
            }
            try (socket) {
                socket.getOutputStream().write((code + "\n").getBytes(StandardCharsets.US_ASCII));
            } catch (IOException ignored) {
                // The client was killed; nobody waits for the code.
            }
        }

        void run() {
            CURRENT.set(this);
            Thread.currentThread().setContextClassLoader(loader);
            try {
                loader.loadClass(mainClass).getMethod("main", String[].class).invoke(null, (Object) args);
                end(0);
            } catch (InvocationTargetException e) {
                if (!(e.getCause() instanceof Exited)) e.getCause().printStackTrace(System.err);
                end(1);
            } catch (ReflectiveOperationException e) {
                e.printStackTrace(System.err);
                end(1);
            }
        }
    }

    /** Loads the tools' own classes itself and leaves all others to its parent. */
    private static final class ToolLoader extends URLClassLoader {
        ToolLoader(URL tools, ClassLoader parent) {
            super(new URL[] {tools}, parent);
        }

        @Override protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                if (loaded == null && name.startsWith("org.apache.kafka.tools.")) {
                    try {
                        loaded = findClass(name);
                    } catch (ClassNotFoundException e) {
                        return super.loadClass(name, resolve);
                    }
                }
                return loaded == null ? super.loadClass(name, resolve) : loaded;
            }
        }
    }

    private static String readText(DataInputStream in) throws IOException {
        var bytes = new ByteArrayOutputStream();
        for (int b = in.readUnsignedByte(); b != 0; b = in.readUnsignedByte()) bytes.write(b);
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static void serve(Socket socket, URL tools) {
        Command command;
        DataInputStream in;
        try {
            in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
            String pid = readText(in);
            int count = Integer.parseInt(readText(in));
            String mainClass = readText(in);
            String[] args = new String[count - 1];
            for (int i = 0; i < args.length; i++) args[i] = readText(in);
            command = new Command(socket, pid, mainClass, args, new ToolLoader(tools, ToolHost.class.getClassLoader()));
        } catch (IOException e) {
            e.printStackTrace();
            close(socket);
            return;
        }
        RUNNING.add(command);
        Thread thread = new Thread(command::run, mainName(command));
        thread.start();
        try {
            in.read();
        } catch (IOException ignored) {
            // Either way the client has gone.
        }
        // A client that ends before its command was killed: end the command as a signal would.
        if (RUNNING.contains(command)) {
            CURRENT.set(command);
            command.runHooks();
            thread.interrupt();
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException ignored) {
            // There is nothing more to do for this client.
        }
    }

    private static String mainName(Command command) {
        return command.mainClass.substring(command.mainClass.lastIndexOf('.') + 1);
    }

    /** Takes the hooks that a command gave to the JVM itself, as the verifiable producer does. */
    private static List<Runnable> takeJvmHooks(ClassLoader loader) {
        List<Runnable> taken = new ArrayList<>();
        synchronized (JVM_HOOKS_LOCK) {
            for (Thread hook : List.copyOf(JVM_HOOKS.keySet())) {
                if (hook.getContextClassLoader() == loader) {
                    Runtime.getRuntime().removeShutdownHook(hook);
                    taken.add(hook);
                }
            }
        }
        return taken;
    }

    private static Class<?> jvmHooksClass() {
        try {
            return Class.forName("java.lang.ApplicationShutdownHooks");
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<Thread, Thread> jvmHooks() {
        try {
            var field = JVM_HOOKS_LOCK.getDeclaredField("hooks");
            field.setAccessible(true);
            return (Map<Thread, Thread>) field.get(null);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Void exit(int code) {
        Command command = CURRENT.get();
        if (command == null) throw new IllegalStateException("exit(" + code + ") outside a command");
        command.end(code);
        throw new Exited();
    }

    private static void flushForEver() {
        while (true) {
            for (Command command : RUNNING) {
                try {
                    command.out.flush();
                    command.err.flush();
                } catch (IOException ignored) {
                    // The reader has gone; the command notices when it ends.
                }
            }
            try {
                Thread.sleep(FLUSH_EVERY_MS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static void daemon(Runnable body, String name) {
        Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        thread.start();
    }

    /** Prints the port and serves until its stdin ends. */
    public static void main(String[] args) throws Exception {
        URL tools = null;
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (Path.of(entry).getFileName().toString().startsWith("kafka-tools-4")) tools = Path.of(entry).toUri().toURL();
        }
        if (tools == null) throw new IllegalStateException("no kafka-tools jar on the class path");
        PrintStream console = System.out;
        System.setOut(new PrintStream(new Routed(false, console)));
        System.setErr(new PrintStream(new Routed(true, System.err)));
        InputStream parent = System.in;
        System.setIn(new RoutedInput());
        Exit.setExitProcedure((code, message) -> exit(code));
        Exit.setHaltProcedure((code, message) -> exit(code));
        Exit.setShutdownHookAdder((name, hook) -> CURRENT.get().addHook(hook));
        ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        URL toolsJar = tools;
        daemon(ToolHost::flushForEver, "flush");
        daemon(() -> {
            while (true) {
                try {
                    Socket socket = server.accept();
                    daemon(() -> serve(socket, toolsJar), "client");
                } catch (IOException e) {
                    return;
                }
            }
        }, "accept");
        console.println(server.getLocalPort());
        console.flush();
        while (parent.read() >= 0) { }
        Runtime.getRuntime().halt(0);
    }
}
