import java.util.concurrent.CountDownLatch;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;

/**
 * A worker that knows ZooKeeper and nothing of autohealer: it registers under /workers by itself,
 * anonymously, and works until it is killed. Its argument is a connection string, where it is not
 * to use the usual one.
 */
public final class CourseWorker {
    private static final String USUAL = "localhost:2181";
    private static final int SESSION_TIMEOUT_MS = 3000;

    private CourseWorker() {}

    public static void main(String[] arguments) throws Exception {
        String hosts = arguments.length > 0 ? arguments[0] : USUAL;
        CountDownLatch connected = new CountDownLatch(1);
        Watcher watcher = event -> {
            System.out.println("session: " + event.getState());
            if (event.getState() == Watcher.Event.KeeperState.SyncConnected) {
                connected.countDown();
            }
        };
        ZooKeeper zooKeeper = new ZooKeeper(hosts, SESSION_TIMEOUT_MS, watcher);
        connected.await();
        String path = zooKeeper.create(
                "/workers/worker_", new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL);
        System.out.println("registered: " + path);
        new CountDownLatch(1).await(); // its work: to be there until a signal ends it
    }
}
